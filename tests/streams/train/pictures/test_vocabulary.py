import pytest

from streams.train.pictures.vocabulary import NOUNS, nameable, plural, with_article


def test_there_are_hundreds_of_things_and_each_is_in_three_styles_and_more(materials):
    assert 200 <= len(NOUNS) <= 400
    drawn = [set(names) for material in materials.values() for names in material.things.values()]
    assert all(sum(name in names for names in drawn) >= 3 for name in NOUNS)


def test_classes_go_from_narrow_to_wide():
    assert NOUNS["apple"].classes == ("fruit", "food")
    assert nameable(NOUNS["spider"]) == ("animal",)
    assert nameable(NOUNS["guitar"]) == ("instrument",)


@pytest.mark.parametrize(
    ("one", "many"),
    [("apple", "apples"), ("cherry", "cherries"), ("mouse", "mice"), ("fish", "fish"), ("box", "boxes"),
     ("toy", "toys"), ("kitchen knife", "kitchen knives"), ("nut and bolt", "nuts and bolts"),
     ("wolf", "wolves"), ("bus", "buses"), ("tomato", "tomatoes"), ("compass", "compasses")],
)  # fmt: skip
def test_plurals(one, many):
    assert plural(one) == many


def test_articles():
    assert with_article("apple") == "an apple"
    assert with_article("red apple") == "a red apple"
    assert with_article("unicorn") == "a unicorn"
    assert with_article("umbrella") == "an umbrella"
