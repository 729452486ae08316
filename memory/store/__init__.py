"""Blocks on disk: append-only segment files and an SQLite catalog."""
