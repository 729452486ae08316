"""Memory: what was seen and heard, kept as key-value blocks and found again."""
