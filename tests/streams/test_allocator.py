"""Large buffers go back to the system when they are freed."""

import ctypes
import os
import subprocess
import sys

import pytest

from streams.allocator import ENVIRONMENT, settle_allocator

HELD = """
import ctypes, os, sys
from pathlib import Path
from streams.allocator import settle_allocator
if sys.argv[1] == "settled":
    assert settle_allocator({})
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]

def resident_mb():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6

def filled(size):
    address = libc.malloc(size)
    ctypes.memset(address, 1, size)
    return address

before, kept = resident_mb(), []
for round in range(4):
    libc.free(filled(24 << 20))  # glibc takes this for the size of what comes and goes
    large = [filled(16 << 20) for _ in range(4)]
    kept.append(filled(64 << 10))  # lives on behind them
    for address in large:
        libc.free(address)
print(resident_mb() - before)
"""


def held_mb(how):
    environ = {name: value for name, value in os.environ.items() if not name.startswith(ENVIRONMENT)}
    command = [sys.executable, "-c", HELD, how]
    return float(subprocess.run(command, check=True, capture_output=True, text=True, env=environ).stdout)


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="the C library has no mallopt")
def test_freed_buffers_go_back_though_smaller_ones_live_on():
    assert held_mb("free") > 32
    assert held_mb("settled") < 4


@pytest.mark.parametrize("name", ["MALLOC_ARENA_MAX", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES"])
def test_what_the_environment_says_of_the_allocator_stands(name):
    assert not settle_allocator({name: "1"})
