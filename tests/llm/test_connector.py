import errno
import json
from dataclasses import asdict

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from llm.connector import (
    ROLES,
    TOKENS,
    Connector,
    load_connector,
    save_connector,
    word_tables,
)
from llm.connector_config import EMPTY, ConnectorConfig
from llm.eye import Captions
from llm.pixels import PIXEL_CHANNELS, with_pixels
from streams.errors import ConfigError, ModelError, ModelNotFoundError

CLOSE = 1e-5
CONFIG = ConnectorConfig(
    encoder="tiny",
    channels=6,
    places=4,
    hidden=8,
    classes=("tabby cat", "banana", "moped"),
    names=(EMPTY, "apple", "banana"),
    colours=(EMPTY, "red"),
    where=(EMPTY, "left", "right"),
    counts=(EMPTY, "one", "two"),
    texts=(EMPTY, "EXIT"),
    width=16,
    heads=2,
    kinds={"thing": (1, 2), "vehicle": (2,), "animal": (0,)},
)


@pytest.fixture
def connector():
    torch.manual_seed(3)
    made = Connector(CONFIG)
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return made.eval()


@pytest.fixture
def features():
    return torch.rand(5, 5, 6 + PIXEL_CHANNELS, generator=torch.Generator().manual_seed(1))


def embed(word):
    """A token for each letter, with a one at the letter's place in the alphabet."""
    rows = [torch.eye(8)[ord(letter) % 8] for letter in word]
    return torch.stack(rows)


def test_batched_equals_alone(connector, features):
    tables = word_tables(CONFIG, embed)
    together = connector.tokens(connector(features), tables)
    assert together.shape == (5, TOKENS, 8)
    for n in range(5):
        alone = connector.tokens(connector(features[n : n + 1]), tables)
        assert torch.allclose(together[n : n + 1], alone, atol=CLOSE)


def test_words_of_every_kind_are_likelihoods(connector, features):
    for kind, words in connector(features).words.items():
        assert words.shape[-1] == len(CONFIG.words(kind))
        assert torch.allclose(words.sum(-1), torch.ones(words.shape[:-1]), atol=CLOSE), kind
        assert bool((words >= -CLOSE).all())


def test_a_photograph_has_the_classifiers_own_likelihoods(connector, features):
    with torch.no_grad():
        connector.gate.weight.zero_()
        connector.gate.bias.fill_(100.0)
    seen = connector(features)
    classes = connector.classifier(features[:, 0, :6]).softmax(-1)
    first = len(CONFIG.names)
    assert torch.allclose(seen.words["name"][:, 0, first:], classes, atol=CLOSE)
    assert torch.allclose(seen.words["name"][:, 0, :first], torch.zeros(5, first), atol=CLOSE)
    assert bool((seen.words["colour"][..., 0] > 1 - CLOSE).all())


def test_a_drawing_has_none_of_them(connector, features):
    with torch.no_grad():
        connector.gate.weight.zero_()
        connector.gate.bias.fill_(-100.0)
    seen = connector(features)
    first = len(CONFIG.names)
    assert torch.allclose(seen.words["name"][:, 0, :first], seen.logits["name"][:, 0].softmax(-1), atol=CLOSE)
    assert float(seen.words["name"][..., first:].sum()) < CLOSE


def test_sure_words_become_their_own_token_embeddings(connector, features):
    tables = word_tables(CONFIG, embed)
    seen = connector(features[:1])
    for kind, word in (("name", 1), ("colour", 1), ("place", 2), ("count", 1), ("text", 1)):
        seen.words[kind].zero_()[..., word] = 1
    spoken = connector.spoken(seen, tables)[0]
    assert ROLES[1] == ("colour", 0)
    assert torch.allclose(spoken[1], embed("red").mean(0))
    # "apple" is spread over the two tokens of a name, the first three letters on the first.
    assert torch.allclose(spoken[2], embed("app").mean(0))
    assert torch.allclose(spoken[3], embed("le").mean(0))
    assert torch.allclose(spoken[4], embed("right").mean(0))


def test_short_words_stand_last(connector):
    table = word_tables(CONFIG, embed)["name", 2]
    empty = CONFIG.names.index(EMPTY)
    assert float(table[0, empty].abs().sum()) == 0
    assert torch.allclose(table[1, empty], embed(EMPTY)[0])


def test_weights_and_words_come_back(connector, features, tmp_path):
    save_connector(connector.half().float(), tmp_path / "c.safetensors", {"note": "x"})
    back = load_connector(tmp_path / "c.safetensors")
    assert back.config == CONFIG
    ours, theirs = connector(features), back(features)
    for kind in ours.words:
        assert torch.allclose(ours.words[kind], theirs.words[kind], atol=CLOSE)


def test_a_disk_that_is_full_leaves_the_weights_from_before(connector, tmp_path, monkeypatch):
    file = tmp_path / "c.safetensors"
    save_connector(connector, file)
    before = file.read_bytes()

    def fail(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("llm.connector.save", fail)
    with pytest.raises(ConfigError, match=r"cannot write .*c\.safetensors: No space"):
        save_connector(connector, file)
    assert file.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == [file.name]


def test_what_is_no_connector_is_refused(tmp_path):
    with pytest.raises(ModelNotFoundError, match="no connector"):
        load_connector(tmp_path / "none")
    (tmp_path / "text").write_text("no weights")
    with pytest.raises(ModelError, match="is no connector"):
        load_connector(tmp_path / "text")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ([1, 2], "config: Input should be"),
        ({"kinds": [1, 2]}, "kinds: "),
        ({"heads": 3}, "3 heads do not share a width of 16"),
        ({"heads": 0}, "heads: "),
        ({"kinds": {"thing": [1, 3]}}, "'thing' is of class 3, and there are 3"),
        ({"kinds": {"thing": [-1]}}, r"kinds\.thing\.0: "),
        ({"colours": ["red", EMPTY]}, f"colours: .*'{EMPTY}', not 'red'"),
        ({"texts": []}, "texts: "),
        ({"sure": {"name": 2.0}}, r"sure\.name: "),
        ({"width": 1 << 20}, "size mismatch"),
        ({"places": 1 << 40}, "size mismatch"),
        ({"hidden": 1 << 40}, "size mismatch"),
        ({"layers": 1 << 40}, "layers: "),
        ({"names": [EMPTY, "apple"]}, "size mismatch"),
        ({"more": 1}, "more: "),
    ],
)
def test_metadata_that_fit_no_connector_are_named(connector, tmp_path, change, message):
    file = tmp_path / "c.safetensors"
    save_connector(connector, file)
    config = asdict(CONFIG) | change if isinstance(change, dict) else change
    tensors = {name: tensor.clone() for name, tensor in load_file(file).items()}
    save_file(tensors, file, {"config": json.dumps(config)})
    with pytest.raises(ModelError, match=message) as told:
        load_connector(file)
    assert told.value.param == "models.sight"
    save_file(tensors, file)
    with pytest.raises(ModelError, match="is no connector: config"):
        load_connector(file)


def test_pixels_stand_at_their_places():
    image = np.zeros((40, 60, 3), np.uint8)
    image[:20, 30:] = (255, 0, 0)
    rows = with_pixels(np.zeros((5, 2), np.float32), image)
    assert rows.shape == (5, 2 + PIXEL_CHANNELS)
    top_right = rows[2, 2:].reshape(-1, 3)
    assert np.allclose(top_right, [1, -1, -1])
    assert np.allclose(rows[3, 2:], -1)
    assert np.allclose(rows[0, 2::3].mean(), -0.5)


def words_of(connector, **likely):
    """Likelihoods by kind: every slot empty but for those in ``likely``: kind=(slot, word, likelihood)."""
    words = {kind: torch.zeros(3 if kind in ("name", "colour", "place") else 1, len(CONFIG.words(kind)))
             for kind in ("name", "colour", "place", "count", "text")}  # fmt: skip
    for probabilities in words.values():
        probabilities[:, 0] = 1
    for kind, (slot, word, share) in likely.items():
        words[kind][slot] = 0
        words[kind][slot, 0] = 1 - share
        words[kind][slot, CONFIG.words(kind).index(word)] = share
    return words


def test_captions_say_what_is_sure(connector):
    say = Captions(connector).of
    assert say(words_of(connector)) == ""
    sure = words_of(connector, name=(0, "apple", 0.95), colour=(0, "red", 0.95), place=(0, "left", 0.95))
    assert say(sure) == "red apple on the left"
    assert say(words_of(connector, name=(0, "apple", 0.95), colour=(0, "red", 0.5))) == "apple"
    assert say(words_of(connector, name=(0, "apple", 0.5))) == ""
    counted = words_of(connector, name=(1, "apple", 0.95), text=(0, "EXIT", 0.95), count=(0, "two", 0.95))
    assert say(counted) == "apple, the text EXIT"


def test_captions_hedge_among_classes(connector):
    words = words_of(connector)
    words["name"][0] = 0
    first = len(CONFIG.names)
    words["name"][0, first + 2], words["name"][0, first + 1] = 0.95, 0.05
    assert Captions(connector).of(words) == "moped"
    # A name that is learned and a class too: both speak for it.
    words["name"][0, [2, first + 1, first + 2]] = torch.tensor([0.5, 0.45, 0.05])
    assert Captions(connector).of(words) == "banana"
    # Of two of a kind neither is sure enough: the kind is.
    words["name"][0, [2, first + 1, first + 2]] = torch.tensor([0.0, 0.4, 0.6])
    assert Captions(connector).of(words) == "thing"


def test_what_is_likely_is_named_beside_what_is_sure(connector):
    captions = Captions(connector)
    words = words_of(connector)
    assert captions.likely(words, "") == ""
    words["name"][0] = 0
    first = len(CONFIG.names)
    words["name"][0, [first, first + 2, 1]] = torch.tensor([0.5, 0.35, 0.15])
    assert captions.likely(words, "") == "tabby cat, moped"
    assert captions.likely(words, "tabby cat on the left") == "moped"
    words["name"][0, [first, first + 2, 1]] = torch.tensor([0.93, 0.05, 0.02])
    words["name"][1] = 0
    words["name"][1, [0, 1]] = torch.tensor([0.6, 0.4])  # nothing, likeliest
    assert captions.likely(words, "") == "tabby cat"
