"""Streams: a real-time service that watches, listens, remembers and talks."""

__version__ = "0.1.0"
