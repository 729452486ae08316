from collections import Counter

import pytest
from timm.data import ImageNetInfo

from video.imagenet import CLASSES, KINDS, NAMES, imagenet_names

SYNSETS = ImageNetInfo()
LEMMAS = [SYNSETS.index_to_description(i, detailed=False) for i in range(CLASSES)]


def test_every_class_has_a_name_without_commas():
    names = imagenet_names()
    assert len(names) == CLASSES
    assert all(name and "," not in name and name == name.strip() for name in names)


def test_few_classes_share_a_name():
    shared = {name for name, count in Counter(imagenet_names()).items() if count > 1}
    assert shared <= {"swimsuit", "sunglasses", "missile", "elephant"}


@pytest.mark.parametrize(
    ("index", "name"),
    [
        (1, "goldfish"),
        (4, "hammerhead shark"),
        (15, "robin bird"),
        (56, "king snake"),
        (76, "tarantula spider"),
        (162, "beagle dog"),
        (250, "Siberian husky dog"),
        (281, "tabby cat"),
        (323, "monarch butterfly"),
        (665, "motorcycle"),
        (967, "espresso coffee"),
        (872, "tripod"),
        (698, "palace"),
    ],
)
def test_names_say_what_a_person_would(index, name):
    assert imagenet_names()[index] == name


@pytest.mark.parametrize(
    ("kind", "word", "first", "last"),
    [
        ("dog", "Chihuahua", 151, 268),
        ("cat", "tabby", 281, 285),
        ("snake", "thunder snake", 52, 68),
        ("butterfly", "admiral", 321, 326),
        ("fruit", "Granny Smith", 948, 957),
    ],
)
def test_ranges_begin_where_they_should(kind, word, first, last):
    (found,) = [k for k in KINDS if k.name == kind]
    assert sorted(found.classes) == list(range(first, last + 1))
    assert word in LEMMAS[first]


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("rocket", {"missile", "projectile", "space shuttle"}),
        ("motorcycle", {"moped", "motor scooter"}),
        ("palace or temple", {"bell cote", "monastery", "palace", "stupa"}),
        ("cup", {"coffee mug", "espresso", "cup"}),
        ("suit and tie", {"bow tie", "suit", "Windsor tie", "groom"}),
        ("airplane", {"airliner", "warplane", "wing"}),
        ("musical instrument", None),
        ("vehicle", None),
        ("food", None),
    ],
)
def test_kinds_hold_the_classes_they_mean(kind, words):
    (found,) = [k for k in KINDS if k.name == kind]
    assert all(0 <= i < CLASSES for i in found.classes)
    if words is not None:
        assert {LEMMAS[i].split(",")[0] for i in found.classes} == words


def test_every_name_given_here_differs_from_what_wordnet_says_first_or_belongs_to_a_class():
    assert all(0 <= i < CLASSES for i in NAMES)
    assert len({kind.name for kind in KINDS}) == len(KINDS)
