"""Names of what has no name of its own."""

from __future__ import annotations

import secrets


def new_id(prefix: str) -> str:
    """A fresh identifier such as ``item_3f…``."""
    return f"{prefix}_{secrets.token_hex(10)}"
