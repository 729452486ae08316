"""ImageNet-1k in words a language model understands: a name for each class, and kinds above them.

WordNet's first lemma of a class (Fellbaum 1998) is often not what a person would say ("tusker",
"maillot", "bell cote"), or says it with a word of another meaning ("drake", "kite", "crane").
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from timm.data import ImageNetInfo

CLASSES = 1000

NAMES: Mapping[int, str] = {
    7: "rooster", 27: "newt", 69: "trilobite fossil", 97: "duck", 101: "elephant", 108: "sea anemone",
    148: "orca whale", 248: "husky", 281: "tabby cat", 282: "striped cat", 286: "cougar", 296: "polar bear",
    313: "stick insect", 321: "red admiral", 324: "white butterfly", 326: "blue butterfly", 339: "horse",
    341: "pig", 348: "sheep", 349: "bighorn sheep", 354: "camel", 355: "llama", 383: "ring-tailed lemur",
    387: "red panda", 391: "salmon", 393: "clownfish", 397: "pufferfish", 400: "academic gown",
    408: "amphibious vehicle", 412: "trash can", 418: "ballpoint pen", 419: "adhesive bandage",
    421: "handrail", 427: "barrel", 428: "wheelbarrow", 436: "station wagon", 437: "lighthouse",
    439: "bearskin hat", 442: "bell tower", 444: "tandem bicycle", 455: "bottle cap", 456: "archery bow",
    458: "brass plaque", 459: "bra", 468: "taxi", 469: "cauldron", 477: "tool kit", 478: "cardboard box",
    480: "cash machine", 487: "mobile phone", 489: "chain-link fence", 492: "wooden chest",
    493: "chest of drawers", 494: "wind chime", 502: "clog shoe", 511: "convertible car",
    517: "construction crane", 521: "slow cooker", 528: "dial telephone", 533: "dishcloth",
    535: "disc brake", 553: "filing cabinet", 556: "fireplace screen", 564: "four-poster bed",
    570: "gas mask", 576: "gondola boat", 581: "car grille", 584: "hair clip", 586: "half-track vehicle",
    588: "wicker hamper", 589: "hair dryer", 592: "hard disk", 606: "clothes iron", 608: "blue jeans",
    610: "T-shirt", 612: "rickshaw", 628: "ocean liner", 630: "loafer shoe", 638: "swimsuit",
    639: "swimsuit", 661: "vintage car", 664: "computer monitor", 665: "motorcycle",
    666: "mortar and pestle", 667: "graduation cap", 672: "tent", 673: "computer mouse",
    676: "dog muzzle", 677: "metal nail", 680: "baby bottle nipple", 681: "notebook computer",
    687: "pipe organ", 693: "boat paddle", 694: "paddle wheel", 697: "pajamas", 705: "train carriage",
    707: "pay phone", 714: "guitar pick", 715: "spiked helmet", 717: "pickup truck", 720: "pill bottle",
    724: "pirate ship", 725: "jug", 726: "carpenter's plane", 737: "soda bottle", 738: "flowerpot",
    741: "prayer rug", 744: "missile", 746: "hockey puck", 751: "race car", 758: "fishing reel",
    759: "camera", 761: "remote control", 769: "ruler", 771: "metal safe", 776: "saxophone",
    778: "weighing scale", 782: "computer screen", 789: "shoji screen", 800: "slot machine",
    824: "scarf", 829: "tram", 831: "couch", 836: "sunglasses", 840: "mop", 844: "light switch",
    847: "military tank", 850: "teddy bear", 853: "thatched roof", 856: "threshing machine",
    867: "trailer truck", 882: "vacuum cleaner", 884: "vaulted ceiling", 897: "washing machine",
    906: "necktie", 908: "airplane wing", 912: "wooden fence", 913: "shipwreck", 916: "website",
    921: "book cover", 929: "popsicle", 930: "loaf of bread", 934: "hot dog", 936: "cabbage",
    948: "green apple", 950: "orange fruit", 959: "pasta", 967: "espresso coffee", 970: "mountain",
    981: "baseball player", 982: "bridegroom", 984: "rapeseed field", 985: "daisy flower",
    986: "orchid flower", 987: "corn", 989: "rose hip", 990: "horse chestnut", 998: "ear of corn",
    999: "toilet paper",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Kind:
    """A name that is true of every class in ``classes``.

    With ``suffix`` the names of its classes end in it ("beagle dog"), for those whose own name says
    nothing to someone who does not know it.
    """

    name: str
    classes: frozenset[int]
    suffix: bool = False


def _kind(name: str, *classes: int | tuple[int, int], suffix: bool = False) -> Kind:
    """Single classes, and (first, last) for a range."""
    spans = ((c, c) if isinstance(c, int) else c for c in classes)
    return Kind(name, frozenset(i for first, last in spans for i in range(first, last + 1)), suffix)


KINDS: tuple[Kind, ...] = (
    _kind("shark", (2, 4), suffix=True),
    _kind("ray", 5, 6),
    _kind("fish", 0, 1, (389, 397), suffix=True),
    _kind("parrot", (87, 90)),
    _kind("duck or goose", (97, 99)),
    _kind("bird", (7, 24), (80, 100), (127, 146), suffix=True),
    _kind("salamander", (25, 29)),
    _kind("frog", (30, 32)),
    _kind("turtle", (33, 37)),
    _kind("lizard", (38, 48)),
    _kind("crocodile", 49, 50),
    _kind("snake", (52, 68), suffix=True),
    _kind("spider", (72, 77), suffix=True),
    _kind("crab", (118, 121), 125),
    _kind("lobster", (122, 124)),
    _kind("snail or slug", (113, 115)),
    _kind("whale", 147, 148),
    _kind("dog", (151, 268), suffix=True),
    _kind("wolf", (269, 272)),
    _kind("fox", (277, 280)),
    _kind("cat", (281, 285)),
    _kind("big cat", (286, 293)),
    _kind("bear", (294, 297)),
    _kind("beetle", (300, 307), suffix=True),
    _kind("butterfly", (321, 326), suffix=True),
    _kind("insect", (300, 326)),
    _kind("rabbit", (330, 332), suffix=True),
    _kind("rodent", 333, (335, 338)),
    _kind("pig", (341, 343)),
    _kind("cattle", (345, 347)),
    _kind("sheep or goat", (348, 350)),
    _kind("antelope", (351, 353), suffix=True),
    _kind("weasel", (356, 359)),
    _kind("ape", (365, 369)),
    _kind("monkey", (370, 382), suffix=True),
    _kind("elephant", 101, 385, 386),
    _kind("animal", (0, 397)),
    _kind("airplane", 404, 895, 908),
    _kind("boat", 472, 484, 554, 576, 625, 780, 814, 871, 914),
    _kind("ship", 403, 510, 628, 724),
    _kind("boat or ship", 403, 472, 484, 510, 554, 576, 625, 628, 724, 780, 814, 871, 914),
    _kind("car", 436, 468, 479, 511, 581, 609, 627, 656, 661, 751, 817),
    _kind("truck", 555, 569, 675, 717, 864, 867),
    _kind("bus", 654, 779, 874),
    _kind("train", 466, 547, 565, 705, 820, 829),
    _kind("motorcycle", 665, 670),
    _kind("bicycle", 444, 671),
    _kind("vehicle", 407, 408, 436, 444, 466, 468, 479, 511, 547, 555, 565, 569, 573, 575, 581, 586, 609,
          612, 627, 654, 656, 661, 665, 670, 671, 675, 705, 717, 734, 751, 757, 779, 802, 803, 817, 820,
          829, 864, 866, 867, 870, 874, 880),
    _kind("rocket", 657, 744, 812),
    _kind("palace or temple", 442, 663, 698, 832),
    _kind("historic building", 442, 483, 497, 538, 663, 668, 698, 832, 873),
    _kind("bridge", 821, 839, 888),
    _kind("shop", 415, 424, 454, 467, 509, 582, 788, 860, 865),
    _kind("fence", 489, 716, 912),
    _kind("piano", 579, 881),
    _kind("guitar", 402, 546),
    _kind("musical instrument", 401, 402, 420, 432, 486, 513, 541, 546, 558, 566, 577, 579, 593, 594, 641,
          642, 683, 684, 687, 699, 776, 822, 875, 881, 889),
    _kind("laptop computer", 620, 681),
    _kind("computer", 508, 527, 590, 620, 664, 673, 681, 782, 810),
    _kind("telephone", 487, 528, 707),
    _kind("clock or watch", 409, 530, 531, 826, 892),
    _kind("camera", 732, 759),
    _kind("gun", 413, 763, 764),
    _kind("bottle", 440, 720, 737, 898, 907),
    _kind("cup", 504, 967, 968),
    _kind("bed", 431, 516, 520, 564, 831),
    _kind("chair", 423, 559, 765, 857),
    _kind("cabinet", 453, 493, 495, 553, 648, 894),
    _kind("lamp", 619, 846),
    _kind("ball", 429, 430, 522, 574, 722, 768, 805, 852, 890),
    _kind("hat", 439, 452, 515, 808),
    _kind("helmet", 518, 560, 715),
    _kind("shoe", 502, 514, 630, 770, 774),
    _kind("sunglasses", 836, 837),
    _kind("suit and tie", 457, 834, 906, 982),
    _kind("swimwear", 445, 638, 639, 842),
    _kind("bag", 414, 636, 728, 748),
    _kind("cooking pot", 469, 521, 544, 567, 909),
    _kind("bowl", 659, 809),
    _kind("hand tool", 587, 596, 740, 784, 792),
    _kind("pen", 418, 563, 749),
    _kind("bread", (930, 932)),
    _kind("vegetable", (936, 946)),
    _kind("fruit", (948, 957)),
    _kind("food", (924, 957), 959, (961, 965)),
    _kind("flower", 985, 986),
    _kind("mushroom", 947, (992, 997), suffix=True),
    _kind("mountain", 970, 972, 979, 980),
    _kind("shore", (975, 978)),
)  # fmt: skip


def imagenet_names() -> list[str]:
    """The name of each of the 1,000 classes, in the order of the classes."""
    info = ImageNetInfo()
    names = [NAMES.get(i, info.index_to_description(i, detailed=False).split(",")[0]) for i in range(CLASSES)]
    for kind in KINDS:
        if kind.suffix:
            for i in kind.classes:
                if kind.name not in names[i].lower() and not _ends_in_kind(i, names[i]):
                    names[i] = f"{names[i]} {kind.name}"
    return names


def _ends_in_kind(index: int, name: str) -> bool:
    """Whether ``name`` already says a narrower kind, as "king snake" or "hammerhead shark" do."""
    return any(index in kind.classes and name.endswith(kind.name) for kind in KINDS)
