import io

import PIL.Image
import pytest

from streams.bench.figure import Plot, draw, write_page
from streams.bench.report import Column, Report
from streams.errors import ConfigError

LINES = Plot("lines", "Lines", "hours", "MB", [1.0, 2.0, 3.0], {"a": [1, None, 3], "b": [3, 2, 1]}, limit=2.5)
BARS = Plot("bars", "Bars <b>", "", "%", ["one", "two"], {"a": [1, 2], "b": [2, None]})


@pytest.mark.parametrize("plot", [LINES, BARS])
def test_a_plot_is_a_picture_with_something_in_it(plot):
    picture = PIL.Image.open(io.BytesIO(draw(plot)))
    assert picture.format == "PNG"
    assert len(picture.convert("RGB").getcolors(100_000)) > 20


def test_the_page_holds_tables_and_pictures_and_needs_nothing_else(tmp_path):
    report = Report(
        "Title & more", (Column("k", "heading"), Column("n", "n", ".1f")), ({"k": "<x>", "n": 2.0},)
    )
    page = write_page("A page", [report], [LINES, BARS], tmp_path / "out")
    text = page.read_text("utf-8")
    assert "Title &amp; more" in text
    assert "<td>&lt;x&gt;</td><td>2.0</td>" in text
    assert text.count("data:image/png;base64,") == 2
    assert "http" not in text
    assert sorted(file.name for file in page.parent.iterdir()) == ["bars.png", "lines.png", "report.html"]


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError) as error:
        write_page("A page", [], [LINES], tmp_path / "file" / "out")
    assert error.value.param == "--out"
