from dataclasses import replace

import pytest

from gateway.wire.client_event import Session, TranscriptionSession
from gateway.wire.session_settings import SessionSettings
from streams.conversation import SemanticVad, ServerVad, SessionOptions, unanswered
from streams.errors import InvalidRequestError

DEFAULTS = SessionOptions(instructions="Be brief.", max_output_tokens=96)
START = SessionSettings("a-model", DEFAULTS)


def updated(settings=START, **fields):
    return settings.updated(Session.model_validate({"type": "realtime", **fields}), DEFAULTS)


TRANSCRIPTION = replace(
    DEFAULTS, kind="transcription", transcription=True, turn_detection=unanswered(ServerVad())
)
WRITING = SessionSettings("a-model", TRANSCRIPTION)


def rewritten(settings=WRITING, **fields):
    update = TranscriptionSession.model_validate({"type": "transcription", "audio": {"input": fields}})
    return settings.updated(update, TRANSCRIPTION)


def test_an_update_changes_what_is_present_and_nothing_else():
    settings = updated(instructions="Sing.", output_modalities=["text"], audio={"output": {"speed": 1.25}})
    assert settings.options == SessionOptions(
        instructions="Sing.", modality="text", speed=1.25, max_output_tokens=96
    )
    assert updated(settings, audio={"output": {"voice": "nova"}}).options.speed == 1.25


def test_null_clears():
    settings = updated(
        instructions="Sing.",
        max_output_tokens=7,
        audio={"input": {"transcription": {"model": "whisper-1"}}},
        streams={"events": ["memory.recalled"]},
    )
    assert settings.options.transcription
    assert settings.subscribes_to("memory.recalled")
    cleared = updated(
        settings,
        instructions=None,
        max_output_tokens=None,
        audio={"input": {"transcription": None, "turn_detection": None}},
        streams=None,
    )
    assert cleared.options == SessionOptions(
        instructions="Be brief.", max_output_tokens=96, turn_detection=None
    )
    assert not cleared.subscribes_to("memory.recalled")


def test_infinite_output_is_as_much_as_the_api_allows():
    assert updated(max_output_tokens="inf").options.max_output_tokens == 4096


def test_turn_detection_merges_into_what_runs_and_starts_from_the_defaults_after_push_to_talk():
    def vad(**fields):
        return {"input": {"turn_detection": {"type": "server_vad", **fields}}}

    slow = updated(audio=vad(silence_duration_ms=900))
    assert slow.options.turn_detection == ServerVad(silence_duration_ms=900)
    both = updated(slow, audio=vad(threshold=0.8, create_response=False))
    expected = ServerVad(threshold=0.8, silence_duration_ms=900, create_response=False)
    assert both.options.turn_detection == expected
    assert updated(both, audio=vad(threshold=None)).options.turn_detection.threshold == 0.5
    off = updated(both, audio={"input": {"turn_detection": None}})
    assert off.options.turn_detection is None
    assert updated(off, audio=vad()).options.turn_detection == ServerVad()


def test_from_one_kind_of_turn_detection_to_the_other_goes_what_both_have():
    def turns(**fields):
        return {"input": {"turn_detection": fields}}

    first = updated(audio=turns(type="server_vad", silence_duration_ms=900, create_response=False))
    second = updated(first, audio=turns(type="semantic_vad", eagerness="low"))
    assert second.options.turn_detection == SemanticVad("low", create_response=False)
    wire = {
        "type": "semantic_vad",
        "eagerness": "low",
        "create_response": False,
        "interrupt_response": True,
    }
    assert second.to_wire("sess_1")["audio"]["input"]["turn_detection"] == wire
    third = updated(second, audio=turns(type="server_vad", idle_timeout_ms=6_000))
    assert third.options.turn_detection == ServerVad(create_response=False, idle_timeout_ms=6_000)
    assert third.to_wire("sess_1")["audio"]["input"]["turn_detection"]["idle_timeout_ms"] == 6_000


def test_the_echo_is_whole_and_shows_what_is_in_force():
    session = updated(
        audio={
            "input": {"transcription": {"model": "whisper-1", "language": "en"}},
            "output": {"voice": "nova"},
        }
    ).to_wire("sess_1")
    assert session["id"] == "sess_1"
    assert session["type"] == "realtime"
    assert session["model"] == "a-model"
    assert session["audio"]["input"]["format"] == {"type": "audio/pcm", "rate": 24_000}
    assert session["audio"]["output"]["format"] == {"type": "audio/pcm", "rate": 24_000}
    assert session["audio"]["output"]["voice"] == "nova"
    assert session["audio"]["input"]["transcription"] == {"model": "whisper-1", "language": "en"}
    assert session["audio"]["input"]["turn_detection"]["type"] == "server_vad"
    assert session["audio"]["input"]["turn_detection"]["silence_duration_ms"] == 500


def test_formats_merge_and_null_is_pcm():
    def formats(settings):
        audio = settings.to_wire("s")["audio"]
        return audio["input"]["format"], audio["output"]["format"]

    pcm = {"type": "audio/pcm", "rate": 24_000}
    heard = updated(audio={"input": {"format": {"type": "audio/pcmu", "rate": 8_000}}})
    assert formats(heard) == ({"type": "audio/pcmu"}, pcm)
    both = updated(heard, audio={"output": {"format": {"type": "audio/pcma"}}})
    assert formats(both) == ({"type": "audio/pcmu"}, {"type": "audio/pcma"})
    assert formats(updated(both, audio={"input": {"format": None}})) == (pcm, {"type": "audio/pcma"})
    assert formats(updated(both, audio={"output": {"format": {}}})) == ({"type": "audio/pcmu"}, pcm)


def test_only_a_client_that_speaks_of_the_additions_is_shown_them():
    assert "streams" not in START.to_wire("s")
    subscribed = updated(streams={"events": ["session.latency", "memory.recalled"]})
    assert subscribed.to_wire("s")["streams"] == {"events": ["memory.recalled", "session.latency"]}
    assert updated(subscribed, streams={"events": []}).to_wire("s")["streams"] == {"events": []}


def test_tracing_is_echoed_as_the_client_has_it():
    assert START.to_wire("s")["tracing"] is None
    traced = updated(tracing="auto")
    assert updated(traced, instructions="Sing.").to_wire("s")["tracing"] == "auto"
    assert updated(traced, tracing=None).to_wire("s")["tracing"] is None


def test_of_the_additions_too_what_is_absent_stays():
    returning = updated(updated(streams={"resume": True}), streams={"events": ["memory.recalled"]})
    assert returning.resume
    again = updated(returning, streams={"resume": False})
    assert not again.resume
    assert again.subscribes_to("memory.recalled")
    assert updated(returning, streams={"resume": None, "events": None}) == updated(streams={})
    assert updated(returning, streams=None) == updated(streams={})


def test_a_transcription_session_has_its_own_object():
    transcription = {"model": "whisper-1", "language": "en"}
    settings = rewritten(transcription=transcription, format={"type": "audio/pcmu"})
    session = settings.to_wire("sess_1", expires_at=7)
    assert session == {
        "id": "sess_1",
        "object": "realtime.transcription_session",
        "type": "transcription",
        "audio": {
            "input": {
                "format": {"type": "audio/pcmu"},
                "transcription": transcription,
                "noise_reduction": None,
                "turn_detection": {
                    "type": "server_vad",
                    "threshold": 0.5,
                    "prefix_padding_ms": 300,
                    "silence_duration_ms": 500,
                    "create_response": False,
                    "interrupt_response": False,
                    "idle_timeout_ms": None,
                },
            }
        },
        "include": None,
        "expires_at": 7,
    }


def test_a_transcription_session_answers_no_turn_and_always_writes():
    push_to_talk = rewritten(turn_detection=None)
    assert push_to_talk.options.turn_detection is None
    for start in (WRITING, push_to_talk):
        for kind in (ServerVad, SemanticVad):
            wanted = {"type": "server_vad" if kind is ServerVad else "semantic_vad", "create_response": None}
            turns = rewritten(start, turn_detection=wanted).options.turn_detection
            assert turns == unanswered(kind())
    assert rewritten(transcription=None).options.transcription


def test_a_session_stays_of_its_kind():
    with pytest.raises(InvalidRequestError) as caught:
        updated(WRITING)
    assert (caught.value.code, caught.value.param) == ("unsupported_value", "session.type")
    with pytest.raises(InvalidRequestError) as caught:
        rewritten(START)
    assert (caught.value.code, caught.value.param) == ("unsupported_value", "session.type")
