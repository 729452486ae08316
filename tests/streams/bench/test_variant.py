import pytest

from streams.bench.variant import AS_SET, variants
from streams.config import StreamsConfig
from streams.errors import ConfigError


def test_each_variant_changes_only_what_it_says():
    config = StreamsConfig.model_validate({"memory": {"window_tokens": 48}})
    found = variants(config, ["memory.policy=layers", "memory.recall_blocks=3 video.sample_fps=2"])
    assert list(found) == [AS_SET, "memory.policy=layers", "memory.recall_blocks=3 video.sample_fps=2"]
    assert found[AS_SET] == config
    plain, layers, both = found.values()
    assert layers.memory == plain.memory.model_copy(update={"policy": "layers"})
    assert (both.memory.recall_blocks, both.video.sample_fps, both.memory.window_tokens) == (3, 2.0, 48)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("memory.policy", "is no setting"),
        ("policy=layers", "is no setting"),
        ("", "needs a setting"),
        ("memory.nonsense=1", "unknown setting 'memory.nonsense'"),
        ("memory.policy=guess", "setting 'memory.policy'"),
        ("nowhere.policy=guess", "unknown setting 'nowhere.policy'"),
    ],
)
def test_what_is_no_setting_is_told(text, problem):
    with pytest.raises(ConfigError, match=problem):
        variants(StreamsConfig(), [text])
