"""Kernels that are compiled for a shape do not pile up."""

import os
import subprocess
import sys

from streams.cli import main
from streams.native_caches import CAPACITY, VARIABLES, bound_native_caches

GROWTH = """
import os, sys
from pathlib import Path
if sys.argv[1] == "bounded":
    from streams.native_caches import bound_native_caches
    bound_native_caches(os.environ)
import torch
torch.set_num_threads(1)

def resident_mb():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6

weights = [torch.ones(n, 576, dtype=torch.bfloat16) for n in (576, 960)]
rows = torch.ones(512, 576, dtype=torch.bfloat16)
for tokens in range(1, 130):
    [torch.nn.functional.linear(rows[:tokens], weight) for weight in weights]
before = resident_mb()
for tokens in range(130, 400):
    [torch.nn.functional.linear(rows[:tokens], weight) for weight in weights]
print(resident_mb() - before)
"""


def growth_mb(how):
    environ = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    command = [sys.executable, "-c", GROWTH, how]
    return float(subprocess.run(command, check=True, capture_output=True, text=True, env=environ).stdout)


def test_what_the_environment_says_stands():
    environ = {VARIABLES[0]: "7"}
    bound_native_caches(environ)
    assert environ == {VARIABLES[0]: "7", VARIABLES[1]: CAPACITY}


def test_the_command_line_bounds_them(monkeypatch, capsys):
    for name in VARIABLES:
        monkeypatch.setenv(name, "")  # so that it is put back
        monkeypatch.delenv(name)
    main(["--settings"])
    assert capsys.readouterr().out
    assert [os.environ[name] for name in VARIABLES] == [CAPACITY, CAPACITY]


def test_new_shapes_take_no_more_memory_once_the_caches_are_full():
    free = growth_mb("free")
    if free > 50:  # where PyTorch compiles kernels for this processor
        assert growth_mb("bounded") < free / 4
