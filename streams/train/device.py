"""Whether what is to be computed on is there."""

from __future__ import annotations

import torch

from streams.errors import ConfigError


def check_device(name: str) -> None:
    """Raises ConfigError where PyTorch knows no device ``name``, or cannot compute on it here."""
    if name == "auto":
        return
    try:
        torch.ones(1, device=name).sum().item()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(
            f"run.device = '{name}' cannot be computed on: {reason}", param="run.device"
        ) from None
