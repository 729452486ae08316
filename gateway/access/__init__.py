"""Who may come in, and how much they may ask for: rules, without sockets."""
