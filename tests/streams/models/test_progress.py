import io

import pytest
from rich.console import Console

from streams.models.progress import RichProgress


def test_off_a_terminal_one_line_at_each_end():
    out = io.StringIO()
    with RichProgress(Console(file=out)).task("downloading [x]", 2_000_000) as update:
        update(1)
        update(2_000_000)
    first, last = out.getvalue().splitlines()
    assert first == "downloading [x] (2.0 MB) …"
    assert last.startswith("downloading [x]: done in ")


@pytest.mark.parametrize("total", [1000, None])
def test_on_a_terminal_a_bar(total):
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=100, legacy_windows=False)
    with RichProgress(console).task("pulling", total) as update:
        update(500)
        update(0)  # A download that starts again.
        update(1000)
    assert "pulling" in out.getvalue()
    assert "━" in out.getvalue()
    assert ("1.0/1.0 kB" in out.getvalue()) is (total is not None)


@pytest.mark.parametrize("terminal", [True, False])
def test_a_failure_is_not_reported_as_done(terminal):
    out = io.StringIO()
    progress = RichProgress(Console(file=out, force_terminal=terminal, legacy_windows=False))
    with pytest.raises(ValueError, match="broken"), progress.task("pulling", 10):
        raise ValueError("broken")
    assert "done" not in out.getvalue()
