import json

from streams.config import StreamsConfig, load_config
from streams.settings import settings


def test_every_setting_is_listed_once_with_a_default_that_can_be_set():
    lines = [line for line in settings() if not line.startswith(" ")]
    listed = dict(line.split(" = ", 1) for line in lines)
    sections = {name: getattr(StreamsConfig(), name) for name in StreamsConfig.model_fields}
    assert len(listed) == len(lines)
    assert set(listed) == {
        f"{section}.{key}" for section, values in sections.items() for key in type(values).model_fields
    }
    for name, value in listed.items():
        given = None if value == "(not set)" else json.loads(value)
        assert load_config(flags={name: given}) == StreamsConfig()


def test_what_a_setting_means_stands_below_it():
    lines = list(settings())
    assert "How far ahead of being heard" in lines[lines.index("speech.lead_ms = 500") + 1]
