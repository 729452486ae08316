import json

import numpy as np
import PIL.Image
import pytest
from PIL import ExifTags

from streams.config import VideoConfig
from streams.errors import ConfigError
from streams.train.data import Data
from streams.train.folder import data_marks, read_dialogues, read_pictures
from streams.train.recipe import DataRecipe, Recipe
from streams.train.sample import Facts, Reply, Thing, Turn
from video.image import decode_image


@pytest.fixture
def folder(tmp_path):
    """Two pictures to train on and one to validate on, and a dialogue over the two."""
    for name, colour in (("a", (255, 0, 0)), ("b", (0, 0, 255)), ("c", (0, 255, 0))):
        PIL.Image.new("RGB", (20, 10), colour).save(tmp_path / f"{name}.png")
    pictures = [
        {"file": "a.png", "split": "train", "things": [{"name": "cup", "colour": "red", "place": "left"}]},
        {"file": "b.png", "split": "train", "text": "EXIT"},
        {"file": "c.png", "split": "validation", "things": [{"name": "cup", "count": 2}]},
    ]
    turn = {
        "at": 2.5,
        "topic": "past",
        "text": "What was it?",
        "replies": [[2.5, "A cup."]],
        "evidence": [[0, 1]],
    }
    alert = {"at": 0.5, "topic": "alert", "text": "Tell me when it says EXIT.", "replies": [[2, "EXIT."]]}
    dialogue = {"split": "train", "frames": [[2, "b.png"], [0, "a.png"]], "turns": [turn, alert]}
    write(tmp_path / "pictures.jsonl", pictures)
    write(tmp_path / "dialogues.jsonl", [dialogue])
    return tmp_path


def write(file, objects):
    file.write_text("".join(json.dumps(each) + "\n" for each in objects), "utf-8")


def test_pictures_and_dialogues_are_read_in_time_order(folder):
    pictures = read_pictures(folder, "train")
    cup = Thing("cup", "", "red", "left", untold=frozenset({"count"}))
    assert pictures.facts == (Facts((cup,)), Facts((), "EXIT"))
    assert np.array_equal(pictures.draw(1)[0, 0], [0, 0, 255])
    (dialogue,) = read_dialogues(folder, "train", pictures)
    assert [(frame.pts_us, frame.picture) for frame in dialogue.frames] == [(0, 0), (2_000_000, 1)]
    assert [turn.topic for turn in dialogue.turns] == ["alert", "past"]
    assert dialogue.turns[1] == Turn(
        2_500_000, "past", "What was it?", (Reply(2_500_000, "A cup."),), ((0, 1_000_000),)
    )
    assert dialogue.end_us == 3_500_000
    validation = read_pictures(folder, "validation")
    (cup,) = validation.facts[0].things
    assert (cup.count, cup.untold) == (2, frozenset({"colour"}))
    assert read_dialogues(folder, "validation", validation) == ()


def test_a_text_may_hold_what_ends_lines_elsewhere(folder):
    text = "EXIT\u2028here\u2029or\x85there"
    line = json.dumps({"file": "b.png", "split": "train", "text": text}, ensure_ascii=False)
    (folder / "pictures.jsonl").write_text(f"{line}\n", "utf-8")
    assert read_pictures(folder, "train").facts == (Facts((), text),)


def test_another_picture_by_the_same_name_is_another_source(folder):
    before = read_pictures(folder, "train").fingerprint
    assert read_pictures(folder, "train").fingerprint == before
    PIL.Image.new("RGB", (21, 10), (1, 2, 3)).save(folder / "b.png")
    assert read_pictures(folder, "train").fingerprint != before
    (folder / "b.png").unlink()
    with pytest.raises(ConfigError, match=r"cannot read .*b\.png"):
        _ = read_pictures(folder, "train").fingerprint


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        ("pictures.jsonl", {"split": "test"}, r"pictures\.jsonl, line 1: split"),
        ("pictures.jsonl", {"colour": "red"}, r"pictures\.jsonl, line 1: colour"),
        (
            "pictures.jsonl",
            {"things": [{"name": "cup", "count": 10}]},
            r"pictures\.jsonl, line 1: things\.0\.count",
        ),
        ("dialogues.jsonl", {"frames": []}, r"dialogues\.jsonl, line 1: frames"),
        (
            "dialogues.jsonl",
            {"frames": [[0, "c.png"]]},
            r"jsonl, line 1: frames: 'c\.png' is no picture of train",
        ),
        (
            "dialogues.jsonl",
            {"turns": [{"at": 1, "topic": "now", "text": "What?"}]},
            r"dialogues\.jsonl, line 1: turns\.0\.replies: .*'now' has 1, and here are 0",
        ),
        (
            "dialogues.jsonl",
            {"turns": [{"at": 1, "topic": "overheard", "text": "Hm.", "replies": [[1, "Yes."]]}]},
            r"dialogues\.jsonl, line 1: turns\.0\.replies: .*'overheard' has none, and here are 1",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_place(folder, file, change, message):
    lines = (folder / file).read_text("utf-8").splitlines()
    write(folder / file, [json.loads(lines[0]) | change, *map(json.loads, lines[1:])])
    with pytest.raises(ConfigError, match=message):
        read_dialogues(folder, "train", read_pictures(folder, "train"))


@pytest.mark.parametrize(
    ("told", "colour", "untold"),
    [
        ({}, None, {"colour", "count"}),
        ({"colour": "", "count": 1}, "", set()),
        ({"count": 2}, None, {"colour"}),
    ],
)
def test_what_is_not_told_of_a_thing_is_not_taken_for_none(folder, told, colour, untold):
    write(
        folder / "pictures.jsonl", [{"file": "a.png", "split": "train", "things": [{"name": "cup"} | told]}]
    )
    (thing,) = read_pictures(folder, "train").facts[0].things
    assert (thing.colour, thing.untold) == (colour, untold)


def test_pictures_are_turned_upright_and_put_on_white_as_the_engine_does(folder):
    exif = PIL.Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    picture = PIL.Image.new("RGBA", (20, 10), (0, 0, 0, 0))
    picture.paste((255, 0, 0, 255), (0, 0, 10, 10))
    picture.save(folder / "a.png", exif=exif)
    drawn = read_pictures(folder, "train").draw(0)
    assert drawn.shape == (20, 10, 3)
    assert np.array_equal(drawn, decode_image((folder / "a.png").read_bytes(), VideoConfig(), param="image"))
    assert drawn[2, 5].tolist() == [255, 0, 0]
    assert drawn[18, 5].tolist() == [255, 255, 255]


def test_a_picture_of_far_too_many_pixels_is_named(folder, monkeypatch):
    monkeypatch.setattr(PIL.Image, "MAX_IMAGE_PIXELS", 50)
    with pytest.raises(ConfigError, match=r"a\.png is no picture: .*decompression bomb") as told:
        read_pictures(folder, "train").draw(0)
    assert told.value.param == "data.folder"


def test_marks_tell_labels_pixels_and_dialogues_apart(folder):
    pictures, dialogues = data_marks(folder)
    assert data_marks(folder) == (pictures, dialogues)
    with (folder / "dialogues.jsonl").open("a") as file:
        file.write("\n")
    assert data_marks(folder)[0] == pictures
    assert data_marks(folder)[1] != dialogues
    PIL.Image.new("RGB", (21, 10), (1, 2, 3)).save(folder / "c.png")
    changed, _ = data_marks(folder)
    assert changed.keys() == pictures.keys()
    assert [name for name in changed if changed[name] != pictures[name]] == ["data.folder/pictures"]


@pytest.mark.parametrize("missing", ["train", "validation"])
def test_there_is_something_to_train_on_and_to_validate_on(folder, config, missing):
    lines = (folder / "dialogues.jsonl").read_text("utf-8")
    if missing == "train":
        lines = lines.replace('"train"', '"validation"').replace("b.png", "c.png").replace("a.png", "c.png")
        (folder / "dialogues.jsonl").write_text(lines, "utf-8")
    data = Data(Recipe(data=DataRecipe(folder=folder)), None, config)
    with pytest.raises(ConfigError, match=rf"dialogues\.jsonl has no dialogues of {missing}"):
        data.split(missing)


def test_missing_files_are_named(folder):
    (folder / "a.png").write_text("no picture")
    with pytest.raises(ConfigError, match=r"a\.png is no picture"):
        read_pictures(folder, "train").draw(0)
    (folder / "pictures.jsonl").unlink()
    with pytest.raises(ConfigError, match=r"cannot read .*pictures\.jsonl"):
        read_pictures(folder, "train")
