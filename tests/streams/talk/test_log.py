import json

import pytest

from streams.errors import ConfigError
from streams.talk.log import EventLog


def test_sound_and_what_opens_the_session_are_left_out(tmp_path):
    file = tmp_path / "events.jsonl"
    session = {"id": "sess", "streams": {"resume": {"token": "secret", "grace_s": 30.0}}}
    updated = {"type": "session.updated", "session": session}
    events = [updated, {"type": "response.output_audio.delta", "delta": "AAAA"}, {"type": "error"}]
    log = EventLog(file)
    for event in events:
        log.on_event(event)
    log.close()
    written = [json.loads(line) for line in file.read_text().splitlines()]
    assert written[0]["session"] == {"id": "sess", "streams": {"resume": {"grace_s": 30.0}}}
    assert written[1:] == [{"type": "response.output_audio.delta", "delta_chars": 4}, {"type": "error"}]
    assert session["streams"]["resume"]["token"] == "secret", "who goes on needs it"


def test_a_file_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(ConfigError) as caught:
        EventLog(tmp_path)
    assert caught.value.param == "--events"
