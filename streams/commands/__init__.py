"""The subcommands of ``streams``, a file each: what they take and what they do."""
