import numpy as np
import pytest

from gateway.models import SAMPLE
from streams.train.pictures.cutouts import LANDSCAPES, STAMPS
from streams.train.pictures.photographs import (
    MAX_SIDE_PX,
    PHOTOGRAPH_PACKAGES,
    PHOTOGRAPHS,
    find_photographs,
    find_unnamed,
    read_photograph,
)
from streams.train.pictures.vocabulary import NOUNS

TEST = [photo for photo in PHOTOGRAPHS if photo.split == "test"]
TRAIN = [photo for photo in PHOTOGRAPHS if photo.split == "train"]


def test_sixty_photographs_are_kept_for_the_test_and_none_is_trained_on():
    assert len(TEST) >= 60
    keys = [(photo.package, photo.file) for photo in PHOTOGRAPHS]
    assert len(set(keys)) == len(keys)
    assert {photo.package for photo in PHOTOGRAPHS} == set(PHOTOGRAPH_PACKAGES)


def test_what_the_demo_shows_is_trained_on_nowhere():
    shown = {source.package.project for source in SAMPLE.sources}
    used = {source.package.project for model in PHOTOGRAPH_PACKAGES.values() for source in model.sources}
    assert not shown & {*used, *(source.package.project for source in LANDSCAPES.sources)}


def test_each_package_pins_exactly_the_files_of_the_table():
    for name, model in PHOTOGRAPH_PACKAGES.items():
        files = {member.rpartition("/")[2] for source in model.sources for member in source.members}
        assert files == {photo.file for photo in PHOTOGRAPHS if photo.package == name}


def test_what_is_trained_on_is_of_the_vocabulary():
    assert all(photo.names[0] in NOUNS for photo in TRAIN)
    assert set(STAMPS) <= set(NOUNS)


def test_unnamed_photographs_are_in_one_split_and_not_in_the_test(installer):
    train, validation = (set(find_unnamed(split, installer)) for split in ("train", "validation"))
    assert len(train) > 10
    assert len(validation) > 3
    assert not train & validation
    assert not find_unnamed("test", installer)
    assert not {path.name for path in train | validation} & {photo.file for photo in TEST}


def test_photographs_to_train_on_are_read(installer):
    found = list(find_photographs("train", installer))
    assert len(found) == len(TRAIN)
    for _, path in found:
        pixels = np.asarray(read_photograph(path))
        assert pixels.dtype == np.uint8
        assert pixels.shape[2] == 3
        assert 200 < max(pixels.shape) <= MAX_SIDE_PX


@pytest.mark.parametrize(
    ("answer", "named", "classed"),
    [
        ("A dog on the grass.", True, True),
        ("Two dogs.", True, True),
        ("Some animal.", False, True),
        ("A hot-dogger.", False, False),
        ("A cat.", False, False),
        ("A bullmastiff", True, True),
    ],
)
def test_an_answer_is_looked_through_for_names_and_classes(answer, named, classed):
    dog = TEST[0]
    assert dog.is_named_in(answer) == named
    assert dog.is_named_in(answer, by_class=True) == classed
