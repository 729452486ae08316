"""Fonts that text in pictures is set in, out of pinned npm packages; no font is in two splits."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType

from streams.models.artifact import EmbeddedModel, Source, Tarball
from streams.train.sample import Split


def _font(name: str, version: str, sha256: str, size_bytes: int, member: str) -> Source:
    tarball = Tarball(f"@expo-google-fonts/{name}", version, sha256, size_bytes)
    return Source(tarball, (f"package/{member}.ttf",))


def _fonts(split: Split, *sources: Source) -> EmbeddedModel:
    return EmbeddedModel(
        role="fonts", name=split, sources=sources, licence="OFL-1.1, Apache-2.0", installed_bytes=900_000
    )


FONTS: Mapping[Split, EmbeddedModel] = MappingProxyType(
    {
        "train": _fonts(
            "train",
            _font(
                "bebas-neue",
                "0.4.1",
                "a4f04895fbabc48ba3a0cff976bb8b9ba2078cf48dd0b63a73fc538e7e6326a0",
                108_601,
                "400Regular/BebasNeue_400Regular",
            ),
            _font(
                "courier-prime",
                "0.4.1",
                "c85b63713b7c69dc371de8985ad1f89f5a66c4ffe35b9944e8ab579dd8beeb07",
                615_292,
                "700Bold/CourierPrime_700Bold",
            ),
            _font(
                "fredoka",
                "0.4.1",
                "cc2e78444a47a6a15d74163d1ee7a0c9b66082c4a82c67cbeec059eefd81456a",
                597_747,
                "600SemiBold/Fredoka_600SemiBold",
            ),
            _font(
                "lobster",
                "0.4.1",
                "4e7e547d76af49b554c23565bbf965f0757196da6ac3f755a3be89c37179d4be",
                292_623,
                "400Regular/Lobster_400Regular",
            ),
            _font(
                "oswald",
                "0.4.2",
                "0cc1d71781b4a5c6c0e6f8b346a71e3f898529e5343ffe34911f98232af2e78c",
                713_932,
                "500Medium/Oswald_500Medium",
            ),
            _font(
                "roboto-slab",
                "0.4.2",
                "113090e3309bf54357abdfad7f921ab36ed4918bfbce13f2785f5faa5fe76dee",
                1_496_280,
                "600SemiBold/RobotoSlab_600SemiBold",
            ),
            _font(
                "rubik",
                "0.4.2",
                "195ab5af501f14f7a403a77555bfba61fd1601c2c7f5d55fbcbb2ce7b4191c47",
                2_537_756,
                "700Bold/Rubik_700Bold",
            ),
        ),
        "validation": _fonts(
            "validation",
            _font(
                "barlow-condensed",
                "0.4.1",
                "8236de8212099408d4780e5af6aec8dc1c9cb0a78ff376cf76edd8c979c874d3",
                2_461_771,
                "600SemiBold/BarlowCondensed_600SemiBold",
            ),
            _font(
                "playfair-display",
                "0.4.2",
                "32881439ce695ae85d7d949d4645825a5cb6bac0d464d0ffa09126c922e44e52",
                2_722_846,
                "700Bold/PlayfairDisplay_700Bold",
            ),
        ),
        "test": _fonts(
            "test",
            _font(
                "archivo-black",
                "0.4.1",
                "4bb37f397dc92a237e632d01a5414abd84fa2bb2b6e0a608ffb777542672e3be",
                179_041,
                "400Regular/ArchivoBlack_400Regular",
            ),
            _font(
                "permanent-marker",
                "0.4.0",
                "2c79cf1dec015491b41a15a9225af8ce1c0051474a9d94e5cc87baee9ad82041",
                240_986,
                "400Regular/PermanentMarker_400Regular",
            ),
            _font(
                "vt323",
                "0.4.1",
                "65d8c2bee16df99479fd14134220598e0c4986b7d7baf11490feae3e2093e0a3",
                98_949,
                "400Regular/VT323_400Regular",
            ),
        ),
    }
)

WORDS = (
    *files(__package__).joinpath("words.txt").read_text("utf-8").split(),
    *(str(number) for number in range(10, 100)),
)
"""What stands on signs and screens, in every split: what is held out is how it is written."""
