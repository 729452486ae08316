"""Drawing styles: sets of icons out of pinned npm packages, and which split may show them.

The splits share no style. Sets that draw the same shapes, as a set and its monochrome sister do, count as one
style and lie in one split.
"""

from __future__ import annotations

from dataclasses import dataclass

from streams.models.artifact import EmbeddedModel, Source, Tarball
from streams.train.pictures.cutouts import CUTOUTS
from streams.train.sample import Split


@dataclass(frozen=True, slots=True)
class Style:
    """One set of icons, or of cut-out photographs, whose colours are those of nature.

    ``monochrome`` ones are drawn in any colour that is asked for. ``without`` are things that this set draws
    so that their name is not what one sees.
    """

    name: str
    split: Split
    monochrome: bool
    without: frozenset[str]
    drawings: EmbeddedModel
    photographed: bool = False


VOCABULARY_VERSION = 1
"""Goes up when things.txt gets another thing or icon, so that the sets are drawn again."""


def _style(
    name: str,
    split: Split,
    version: str,
    sha256: str,
    size_bytes: int,
    licence: str,
    *,
    monochrome: bool = False,
    without: str = "",
) -> Style:
    tarball = Tarball(f"@iconify-json/{name}", version, sha256, size_bytes)
    return Style(
        name,
        split,
        monochrome,
        frozenset(without.split(", ")) - {""},
        EmbeddedModel(
            role="drawings",
            name=name,
            sources=(Source(tarball, ("package/icons.json",)),),
            licence=licence,
            installed_bytes=2_500_000,
            converter="streams.train.pictures.iconify:render_icons",
            format_version=VOCABULARY_VERSION,
        ),
    )


MISLEADING = (
    "mouse, seal, lightning, school, hotel, hospital, satellite, shower, steam train, taxi, chocolate, bowl, "
    "megaphone, stadium, wheel, cheese, phone, tram, shield, nut and bolt, die"
)
"""Things whose plain icons often show something else: another sense of the word, or a part for the whole."""

STYLES = (
    Style("tuxpaint-stamps", "train", False, frozenset(), CUTOUTS, photographed=True),
    _style(
        "twemoji", "train", "1.2.5",
        "19046dff7d8707ce96212ec86468b36ac5f8e60409629dd13f809265c6d0ebb7", 1_555_888, "CC-BY-4.0",
    ),
    _style(
        "openmoji", "train", "1.2.29",
        "03181e2c156cab35cf4a62f1f7886bd971d59212e75ac3f189d5a4cae3930fc5", 1_264_633, "CC-BY-SA-4.0",
        without="scroll",
    ),
    _style(
        "fluent-emoji-flat", "train", "1.2.6",
        "7d064769dee690815f823bc5bcc511d957198caf9f5edd8dd9c1aa48a6aeb175", 1_172_438, "MIT",
    ),
    _style(
        "emojione", "train", "1.2.3",
        "26a14f44284407e8bcde91799388dca2bfd91dbcd55a97f425524a1c5b73610e", 687_690, "CC-BY-4.0",
    ),
    _style(
        "emojione-v1", "train", "1.2.3",
        "6641d59d48a42823fdc2b84e7427e9f302944eb98d2c7d94d6e67c139e7b37b3", 3_704_153, "CC-BY-SA-4.0",
        without="pig",
    ),
    _style(
        "fluent-emoji-high-contrast", "train", "1.2.6",
        "0b92d48c90d2200bd499e3cdd09a127ca6a8c8ddefd34c35eb5a1e4994012ae0", 1_054_969, "MIT",
        monochrome=True,
        without="mango, potato",
    ),
    _style(
        "emojione-monotone", "train", "1.2.1",
        "40b90004bafb406b59266155ef9b7e1dd67bf2947fc8db8d07388776f4d0d04e", 1_094_642, "CC-BY-4.0",
        monochrome=True,
        without="potato",
    ),
    _style(
        "fluent-emoji", "train", "1.2.7",
        "8044210dbf11e016d4de85f15d01a243423bd832457e7e2491df1b751c0e272b", 14_323_330, "MIT",
    ),
    _style(
        "streamline-emojis", "train", "1.2.4",
        "5dac87c876b322500989828c5823143e0100d78881627a2e4081a4b897cbfdbc", 381_714, "CC-BY-4.0",
        without="turkey",
    ),
    _style(
        "game-icons", "train", "1.2.4",
        "f5758efb34d91c4f50b941f355f16ee73938625e5996fabc25171288404460a4", 2_739_244, "CC-BY-3.0",
        monochrome=True,
        without=f"{MISLEADING}, butterfly, fountain, clover",
    ),
    _style(
        "ph", "train", "1.2.2",
        "e3a582a047d9829fc7e8842c660d8065e598d1b68bb58cb68e75a1f1e5a614cc", 945_517, "MIT",
        monochrome=True,
        without=MISLEADING,
    ),
    _style(
        "tabler", "train", "1.2.41",
        "3bf99af156d28d05568aff524a35ed1ba238df640a7835a5e02e1f8e439685f6", 338_741, "MIT",
        monochrome=True,
        without=MISLEADING,
    ),
    _style(
        "lucide", "train", "1.2.137",
        "e74db8c3a55fff55bc82de21268c4bced9f65ff10aacc0d5f3a395b0e93243c3", 92_640, "ISC",
        monochrome=True,
        without=MISLEADING,
    ),
    _style(
        "icon-park", "train", "1.2.4",
        "c1a25212a31602aca93c3fa6f6b3288e89b9d7811afc132dfd78506e9d586b6f", 338_205, "Apache-2.0",
        monochrome=True,
        without=MISLEADING,
    ),
    _style(
        "hugeicons", "train", "1.2.35",
        "cca09de913319938961fa0613a8eb42952f76c3ee13a7c68ef411091590c5d8b", 809_402, "MIT",
        monochrome=True,
        without=MISLEADING,
    ),
    _style(
        "fxemoji", "validation", "1.2.2",
        "f3e72b3c59d05e1db03b7e308d55c0d05bd7ba3f625a90da1b79313c12858eef", 1_034_876, "Apache-2.0",
        without="tram, sunglasses, basketball",
    ),
    _style(
        "fa6-solid", "validation", "1.2.4",
        "082c792eaad4751626438773fa7360cb23f495b687cf2dd01b2b0fccc7f6af8b", 236_394, "CC-BY-4.0",
        monochrome=True,
        without="cheese, taxi, phone, tram, shield",
    ),
    _style(
        "noto", "test", "1.2.9",
        "3e918d88fc945c0bb3d468dbace6f88caef67f01c9f0e7bcae0915a042e8f1ad", 3_102_958, "Apache-2.0",
    ),
    _style(
        "noto-v1", "test", "1.2.5",
        "2bf62c26c2c2884aa99e90aec942cdaee17a5921f05690694f4978ad4b017c37", 1_587_591, "Apache-2.0",
        without="nut and bolt, heart, balloon, book",
    ),
    _style(
        "mdi", "test", "1.2.3",
        "ddd817a7213f91de51147943915c0cda8c8b818a53c92b5c068cfa9883c6d7ac", 803_764, "Apache-2.0",
        monochrome=True,
        without="apple, seal, mouse, lightning, school, hotel, hospital, satellite, "
        "shower, steam train, taxi, chocolate, bowl, megaphone, stadium, wheel",
    ),
)  # fmt: skip
