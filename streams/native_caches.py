"""Bounds on what the libraries below PyTorch keep for reuse."""

from __future__ import annotations

from collections.abc import MutableMapping

CAPACITY = "128"
"""Entries of each cache: all shapes of an encoder, and those of the last dozen lengths of a prefill."""

VARIABLES = ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "LRU_CACHE_CAPACITY")
"""oneDNN's cache of compiled kernels, and PyTorch's of the same."""


def bound_native_caches(environ: MutableMapping[str, str]) -> None:
    """Bound the caches in ``environ``, unless it does already. Before PyTorch runs its first operation.

    A kernel is compiled and kept for every shape of a matrix product, thus for every length of text that is
    read: 0.6 MB for each, of which the libraries keep 1,024 in each of two caches. A server that runs for
    days grows by hundreds of megabytes until they are full. A shape that left is compiled again in 1 ms.
    """
    for name in VARIABLES:
        environ.setdefault(name, CAPACITY)
