"""The sight that ships."""

import pytest
from safetensors import safe_open
from safetensors.torch import save_file

from gateway.assembly import load_reader, reader_hashes
from llm.connector import save_connector
from llm.sight import ADAPTER, CONNECTOR, EMBEDDED, load_sight
from streams.errors import ModelError, ModelNotFoundError

MIB = 1024**2


def test_what_ships_is_whole_and_small():
    sight = load_sight(EMBEDDED)
    assert 0 < sight.adapter.speak_threshold < 1
    assert len(sight.adapter.pairs) == 30 * 7
    assert len(sight.connector.config.classes) == 1000
    assert sum(file.stat().st_size for file in sight.files) < 60 * MIB


def test_a_model_that_sees_remembers_apart_from_one_that_is_told(config):
    def using(sight):
        return config.model_copy(update={"models": config.models.model_copy(update={"sight": sight})})

    (seeing, its_shape), (told, other_shape) = load_reader(using("embedded")), load_reader(using("names"))
    for sight, shape in (("embedded", its_shape), ("names", other_shape)):
        made_with = shape.fingerprint
        assert reader_hashes(using(sight)) == (made_with.model_hash, made_with.tokenizer_hash)
    assert its_shape.fingerprint.model_hash != other_shape.fingerprint.model_hash
    assert its_shape.fingerprint.tokenizer_hash == other_shape.fingerprint.tokenizer_hash
    assert (seeing.eye is None, told.eye is None) == (False, True)
    assert (seeing.with_primer, told.with_primer) == (False, True)
    assert seeing.speaking.threshold == load_sight(EMBEDDED).adapter.speak_threshold
    assert told.speaking is None


def test_a_threshold_that_is_no_number_is_named(tmp_path):
    sight = load_sight(EMBEDDED)
    save_connector(sight.connector, tmp_path / CONNECTOR)
    with pytest.raises(ModelNotFoundError, match="no adapter"):
        load_sight(tmp_path)
    with safe_open(EMBEDDED / ADAPTER, "pt") as opened:
        tensors = {name: opened.get_tensor(name) for name in list(opened.keys())[:2]}
    save_file(tensors, tmp_path / ADAPTER, {"alpha": "1", "speak_threshold": "high"})
    with pytest.raises(ModelError, match="speak_threshold"):
        load_sight(tmp_path)
