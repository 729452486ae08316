"""Photographs of the sample shown to sessions on the real models."""

import argparse
import asyncio
import json

import numpy as np
import PIL.Image
import pytest

from gateway.assembly import Streams
from streams.bench import photos
from streams.bench.photos import QUESTION, PhotoAnswer, look, summary, table
from streams.train.pictures.photographs import Photograph

CAT = Photograph("test", "sample", "chelsea.png", ("cat", "tabby"), ("animal",))


@pytest.fixture(scope="module")
def seen(streams, models):
    path = next(models.resolve("sample").path.rglob(CAT.file))
    return asyncio.run(look(streams, CAT, np.asarray(PIL.Image.open(path).convert("RGB")), QUESTION))


def test_what_is_answered_of_a_photograph_is_looked_through_for_its_names(seen):
    assert "cat" in seen.sure
    assert seen.answer
    assert seen.named == any(name in seen.answer.lower() for name in CAT.names)


def test_figures_of_each_setting_side_by_side():
    found = {
        "as set": [PhotoAnswer(CAT, "tabby cat", "A cat."), PhotoAnswer(CAT, "", "An animal.")],
        "other": [PhotoAnswer(CAT, "", "A dog."), PhotoAnswer(CAT, "animal", "Two cats.")],
    }
    first, second = summary(found).rows
    assert (first["named"], first["named_or_class"], first["sure"]) == (0.5, 1, 0.5)
    assert (second["named"], second["named_or_class"]) == (0.5, 0.5)
    assert second["low"] == 0
    assert second["high"] == 1
    report = table(found)
    assert [column.heading for column in report.columns] == ["photograph", "right", "as set", "", "other", ""]
    assert report.rows[0]["photograph"] == "sample/chelsea.png"
    assert [row["right_1"] for row in report.rows] == ["yes", "class"]
    assert [row["right_2"] for row in report.rows] == ["no", "yes"]


def test_what_is_made_of_names_stands_beside_what_is_seen(streams, config, models, monkeypatch, tmp_path):
    class Kept(Streams):
        def close(self):
            pass

    picture = np.asarray(PIL.Image.open(next(models.resolve("sample").path.rglob(CAT.file))).convert("RGB"))
    monkeypatch.setattr(photos.Streams, "load", lambda config: Kept(config, streams.backend))
    monkeypatch.setattr(photos, "load_photographs", lambda split, installer: [(CAT, picture)])
    parser = argparse.ArgumentParser()
    photos.add_arguments(parser)
    file = tmp_path / "photos.json"
    assert photos.run(parser.parse_args(["--json", str(file)]), config) == 0
    figures, one_by_one = json.loads(file.read_text())["reports"]
    assert [row["setting"] for row in figures["rows"]] == ["as set", "models.sight=names"]
    assert {"answer_1", "right_1", "answer_2", "right_2"} <= set(one_by_one["rows"][0])
