"""What is refused or told apart before models are loaded."""

from argparse import Namespace
from pathlib import Path
from types import MappingProxyType

import pytest

from streams.benchmark.case import Outcome
from streams.benchmark.formats import FORMATS
from streams.benchmark.results import Results
from streams.benchmark.run import _settings, run
from streams.benchmark.screening import Asking
from streams.config import StreamsConfig
from streams.errors import ConfigError

CONFIG = StreamsConfig()
REQUEST = {"question": "What?", "answer": "A", "options": ["a cat", "a dog"], "time_stamp": "00:00:02"}
STREAMING = [{"video_path": "{}", "questions": [{"task_type": "t", **REQUEST}]}]
OVO = [
    {
        "id": 1,
        "task": "EPM",
        "video": "{}",
        "realtime": 2,
        "question": "What?",
        "options": ["a", "b"],
        "gt": 0,
    }
]
REKV = [
    {
        "video_id": "v",
        "video_path": "{}",
        "duration": 5,
        "conversations": [{"question": "What?", "answer": "a"}],
    }
]
BENCHMARKS = [
    ("streaming-bench", "questions_real.json", STREAMING),
    ("ovo-bench", "ovo_bench_new.json", OVO),
    ("rvs-ego", "ego4d_oe.json", REKV),
]


def named(document, video):
    """``document`` with ``video`` for its film."""
    return [{key: video if value == "{}" else value for key, value in entry.items()} for entry in document]


@pytest.fixture
def twins(folder):
    """Two folders, each with a file and a film of the same names."""

    def put(file, document):
        for place in ("one", "two"):
            folder.put(f"{place}/{file}", named(document, "a.mp4"))
            folder.video(f"{place}/a.mp4")

    return put


@pytest.mark.parametrize(("name", "file", "document"), BENCHMARKS)
def test_films_and_questions_of_the_same_name_are_told_apart(name, file, document, twins, folder, tmp_path):
    twins(file, document)
    films = folder.read(name)
    assert len({film.name for film in films}) == 2
    assert len({case.id for film in films for case in film.cases}) == 2
    results = Results(tmp_path / "results.jsonl", {})
    results.append(films[0], [Outcome(case, "a") for case in films[0].cases], {})
    assert films[1] not in results


@pytest.mark.parametrize(("name", "file", "document"), BENCHMARKS)
def test_what_is_written_is_not_read_again(name, file, document, twins, folder):
    twins(file, document)
    films = folder.read(name)
    before = {path: path.read_bytes() for path in folder.path.rglob("*") if path.is_file()}
    outcomes = {case.id: Outcome(case, "a", chosen=0) for film in films for case in film.cases}
    for out in (folder.path / "out", folder.path / "one"):
        out.mkdir(exist_ok=True)
        written = FORMATS[name].write(folder.path, outcomes, out)
        assert len(set(written)) == (2 if name == "streaming-bench" else 1)
    assert folder.read(name) == films
    assert {path: path.read_bytes() for path in before} == before


def test_answers_are_not_written_among_what_is_asked(folder):
    folder.put("ego4d_oe.json", named(REKV, "a.mp4"))
    folder.video("a.mp4")
    args = Namespace(
        video=str(folder.path),
        benchmark="rvs-ego",
        out=Path(f"{folder.path}/."),
        available=False,
        films=None,
        choices="auto",
    )
    with pytest.raises(ConfigError, match="holds what is asked"):
        run(args, CONFIG)
    assert not (folder.path / "results.jsonl").exists()


@pytest.mark.parametrize(
    ("section", "values"),
    [
        ("llm", {"frame_tokens": 64}),
        ("models", {"sight": "embedded"}),
        ("models", {"turn": "/my/turn.onnx"}),
        ("models", {"asr": "/my/whisper"}),
        ("speech", {"silence_duration_ms": 700}),
        ("video", {"sample_fps": 2.0}),
    ],
)
def test_results_of_models_that_are_set_otherwise_are_not_gone_on_with(section, values, tmp_path):
    results(tmp_path)
    results(tmp_path, "llm", {"threads": 3})
    results(tmp_path, "models", {"cache_dir": Path("/elsewhere")})
    with pytest.raises(ConfigError, match=rf"other settings \({section}: "):
        results(tmp_path, section, values)


def test_results_of_weights_that_were_trained_again_are_not_gone_on_with(tmp_path):
    results(tmp_path)
    with pytest.raises(ConfigError, match=r"other settings \(reader: \['weights', .* now \['others', "):
        results(tmp_path, reader=("others", "words"))


def results(folder, section="llm", values=MappingProxyType({}), reader=("weights", "words")):
    config = CONFIG.model_copy(update={section: getattr(CONFIG, section).model_copy(update=dict(values))})
    of = _settings("rvs-ego", config, Asking(letters=False), reader)
    return Results(folder / "results.jsonl", of)
