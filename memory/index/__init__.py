"""Nearest-neighbour search over vectors: a contract and one file per method."""
