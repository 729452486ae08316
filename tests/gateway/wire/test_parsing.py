import json
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types import realtime as api

from gateway.wire import client_event as wire
from gateway.wire import item as items
from gateway.wire import tool as tools
from gateway.wire.parsing import event_id_of, parse_event, parse_object
from streams.errors import InvalidRequestError


def session(**fields):
    return {"type": "session.update", "session": {"type": "realtime", **fields}}


def transcription(**fields):
    return {"type": "session.update", "session": {"type": "transcription", **fields}}


def audio_input(**fields):
    return session(audio={"input": fields})


def item(**fields):
    return {"type": "conversation.item.create", "item": {"type": "message", "role": "user", **fields}}


def response(**fields):
    return {"type": "response.create", "response": fields}


WRONG = [
    ({}, "missing_required_parameter", "type"),
    ({"type": "session.destroy"}, "unknown_event", "type"),
    ({"type": 7}, "unknown_event", "type"),
    ({"type": "session.update"}, "missing_required_parameter", "session"),
    ({"type": "session.update", "session": None}, "invalid_type", "session"),
    ({"type": "session.update", "session": {}}, "missing_required_parameter", "session.type"),
    ({"type": "session.update", "session": {"type": "translation"}}, "unsupported_value", "session.type"),
    (transcription(instructions="Sing."), "unknown_parameter", "session.instructions"),
    (transcription(audio={"output": {"voice": "ash"}}), "unknown_parameter", "session.audio.output"),
    (
        transcription(include=["item.input_audio_transcription.logprobs"]),
        "unsupported_value",
        "session.include",
    ),
    (
        transcription(audio={"input": {"turn_detection": {"type": "server_vad", "create_response": True}}}),
        "unsupported_value",
        "session.audio.input.turn_detection.create_response",
    ),
    (
        transcription(audio={"input": {"turn_detection": {"type": "server_vad", "idle_timeout_ms": 6_000}}}),
        "unsupported_value",
        "session.audio.input.turn_detection.idle_timeout_ms",
    ),
    (session(colour="red"), "unknown_parameter", "session.colour"),
    (session(instructions="x" * 200_001), "invalid_value", "session.instructions"),
    (session(model="x" * 257), "invalid_value", "session.model"),
    (session(instructions=5), "invalid_type", "session.instructions"),
    (session(truncation="disabled"), "unsupported_value", "session.truncation"),
    (session(tracing={"workflow_name": "w"}), "unsupported_value", "session.tracing"),
    (session(prompt={"id": "p"}), "unsupported_value", "session.prompt"),
    (session(reasoning={"effort": "low"}), "unsupported_value", "session.reasoning"),
    (session(include=["item.input_audio_transcription.logprobs"]), "unsupported_value", "session.include"),
    (session(output_modalities=["audio", "text"]), "invalid_value", "session.output_modalities"),
    (session(output_modalities=["video"]), "invalid_value", "session.output_modalities[0]"),
    (session(max_output_tokens=0), "invalid_value", "session.max_output_tokens"),
    (session(max_output_tokens="many"), "invalid_type", "session.max_output_tokens"),
    (session(max_output_tokens=True), "invalid_type", "session.max_output_tokens"),
    (session(audio=None), "invalid_type", "session.audio"),
    (audio_input(format={"type": "audio/opus"}), "unsupported_value", "session.audio.input.format.type"),
    (
        audio_input(format={"type": "audio/pcmu", "rate": 24_000}),
        "unsupported_value",
        "session.audio.input.format.rate",
    ),
    (audio_input(format={"rate": True}), "unsupported_value", "session.audio.input.format.rate"),
    (
        audio_input(format={"type": "audio/pcm", "rate": 16_000}),
        "unsupported_value",
        "session.audio.input.format.rate",
    ),
    (
        audio_input(noise_reduction={"type": "near_field"}),
        "unsupported_value",
        "session.audio.input.noise_reduction",
    ),
    (
        audio_input(turn_detection={"type": "magic_vad"}),
        "unsupported_value",
        "session.audio.input.turn_detection.type",
    ),
    (
        audio_input(turn_detection={"type": "server_vad", "idle_timeout_ms": 600}),
        "invalid_value",
        "session.audio.input.turn_detection.idle_timeout_ms",
    ),
    (
        audio_input(turn_detection={"type": "server_vad", "threshold": 1.5}),
        "invalid_value",
        "session.audio.input.turn_detection.threshold",
    ),
    (
        audio_input(transcription={"model": "whisper-1", "language": "de"}),
        "unsupported_value",
        "session.audio.input.transcription.language",
    ),
    (session(audio={"output": {"speed": 2}}), "invalid_value", "session.audio.output.speed"),
    (session(audio={"output": {"voice": 3}}), "invalid_type", "session.audio.output.voice"),
    (session(streams={"events": ["memory.erased"]}), "invalid_value", "session.streams.events[0]"),
    ({"type": "input_audio_buffer.append"}, "missing_required_parameter", "audio"),
    ({"type": "input_audio_buffer.append", "audio": [0, 1]}, "invalid_type", "audio"),
    ({"type": "input_audio_buffer.commit", "now": True}, "unknown_parameter", "now"),
    ({"type": "input_video_buffer.append", "image": None}, "invalid_type", "image"),
    ({"type": "input_video_buffer.append", "image": "", "timestamp_ms": -1}, "invalid_value", "timestamp_ms"),
    ({"type": "input_video_buffer.append", "image": "", "timestamp_ms": "1"}, "invalid_type", "timestamp_ms"),
    (item(), "missing_required_parameter", "item.content"),
    (item(content=[]), "invalid_value", "item.content"),
    (item(content=[{"type": "input_text", "txt": "hi"}]), "unknown_parameter", "item.content[0].txt"),
    (item(content=[{"type": "text", "text": "hi"}]), "invalid_value", "item.content[0].type"),
    (item(role="robot", content=[]), "invalid_value", "item.role"),
    (item(type="mcp_approval_response"), "unsupported_value", "item.type"),
    (item(type=["message"]), "unsupported_value", "item.type"),
    ({"type": "conversation.item.create", "item": {}}, "missing_required_parameter", "item.type"),
    (item(type="function_call_output"), "missing_required_parameter", "item.call_id"),
    (
        item(type="function_call_output", call_id="c", output={"t": 21}, role=None),
        "invalid_type",
        "item.output",
    ),
    (item(type="function_call", name="no spaces", arguments="{}"), "invalid_value", "item.name"),
    (item(type="function_call", name="f", arguments="{}", message="m"), "unknown_parameter", "item.role"),
    (response(input={}), "invalid_type", "response.input"),
    (response(input=[{"type": "item_reference"}]), "missing_required_parameter", "response.input[0].id"),
    (response(input=[{"id": "a"}]), "missing_required_parameter", "response.input[0].type"),
    (response(input=[{"type": "mcp_call"}]), "unsupported_value", "response.input[0].type"),
    (
        response(input=[{"type": "message", "role": "user", "content": [{"type": "input_text", "txt": 1}]}]),
        "unknown_parameter",
        "response.input[0].content[0].txt",
    ),
    (
        response(input=[{"type": "item_reference", "id": "a"}] * 129),
        "invalid_value",
        "response.input",
    ),
    (response(tools=[{}]), "missing_required_parameter", "response.tools[0].name"),
    (
        session(tools=[{"type": "mcp", "server_label": "x", "server_url": "https://example.com"}]),
        "unsupported_value",
        "session.tools[0].type",
    ),
    (session(tools=[{"type": "function", "name": "no spaces"}]), "invalid_value", "session.tools[0].name"),
    (session(tools=[{"name": "f", "parameters": []}]), "invalid_type", "session.tools[0].parameters"),
    (session(tools=[{"name": "f", "strict": True}]), "unknown_parameter", "session.tools[0].strict"),
    (session(tools=[{"name": f"f{n}"} for n in range(65)]), "invalid_value", "session.tools"),
    (session(tool_choice="always"), "unsupported_value", "session.tool_choice"),
    (session(tool_choice={"type": "mcp", "server_label": "x"}), "unsupported_value", "session.tool_choice"),
    (session(tool_choice={"type": "auto"}), "unsupported_value", "session.tool_choice"),
    (response(tool_choice={"type": "function"}), "missing_required_parameter", "response.tool_choice.name"),
    (
        response(tool_choice={"type": "function", "name": "f", "id": 1}),
        "unknown_parameter",
        "response.tool_choice.id",
    ),
    (response(conversation="conv_1"), "invalid_value", "response.conversation"),
    (response(metadata={"topic": 1}), "invalid_type", "response.metadata.topic"),
    (response(modalities=["text"]), "unknown_parameter", "response.modalities"),
    (
        response(audio={"output": {"format": {"type": "g711_ulaw"}}}),
        "unsupported_value",
        "response.audio.output.format.type",
    ),
    ({"type": "response.cancel", "response_id": 4}, "invalid_type", "response_id"),
    ({"type": "conversation.item.delete"}, "missing_required_parameter", "item_id"),
    ({"type": "conversation.item.truncate"}, "missing_required_parameter", "item_id"),
    ({"type": "output_audio_buffer.clear"}, "unsupported_event", "type"),
]


@pytest.mark.parametrize(("data", "code", "param"), WRONG, ids=[f"{c}-{p}" for _, c, p in WRONG])
def test_a_wrong_event_is_refused_by_the_name_of_its_field(data, code, param):
    with pytest.raises(InvalidRequestError) as caught:
        parse_event(data)
    assert (caught.value.code, caught.value.param) == (code, param)
    assert caught.value.message


@pytest.mark.parametrize(
    "message",
    [
        "",
        "{",
        "nonsense",
        "[]",
        "3",
        "null",
        '{"a":NaN}',
        "[" * 100_000,
        '{"a":' + "9" * 9_000 + "}",
        '"\\ud800"',
    ],
)
def test_what_is_no_json_object_is_refused(message):
    with pytest.raises(InvalidRequestError) as caught:
        parse_object(message)
    assert caught.value.code == "invalid_json"


def test_an_error_quotes_no_more_than_a_line_of_what_was_sent():
    with pytest.raises(InvalidRequestError) as caught:
        parse_event({"type": "response.cancel", "x" * 100_000: 1})
    assert len(caught.value.message) < 1_000
    with pytest.raises(InvalidRequestError) as caught:
        parse_event({"type": "y" * 100_000})
    assert len(caught.value.message) < 1_000


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (wire.Session, api.RealtimeSessionCreateRequest),
        (wire.AudioInput, api.RealtimeAudioConfigInput),
        (wire.TranscriptionSession, api.RealtimeTranscriptionSessionCreateRequest),
        (wire.TranscriptionAudio, api.RealtimeTranscriptionSessionAudio),
        (wire.TranscriptionAudioInput, api.RealtimeTranscriptionSessionAudioInput),
        (wire.AudioOutput, api.RealtimeAudioConfigOutput),
        (wire.Transcription, api.AudioTranscription),
        (wire.ServerVad, api.realtime_audio_input_turn_detection.ServerVad),
        (items.ContentPart, api.realtime_conversation_item_user_message.Content),
        (items.MessageItem, api.RealtimeConversationItemUserMessage),
        (tools.FunctionTool, api.RealtimeFunctionTool),
        (items.FunctionCallItem, api.RealtimeConversationItemFunctionCall),
        (items.FunctionOutputItem, api.RealtimeConversationItemFunctionCallOutput),
        (wire.ResponseParams, api.RealtimeResponseCreateParams),
        (wire.ResponseAudioOutput, api.realtime_response_create_audio_output.Output),
        (wire.ResponseCancel, api.ResponseCancelEvent),
        (wire.ItemCreate, api.ConversationItemCreateEvent),
        (wire.InputAudioAppend, api.InputAudioBufferAppendEvent),
    ],
    ids=lambda model: model.__name__,
)
def test_every_field_of_the_api_is_known(ours, theirs):
    assert theirs.model_fields.keys() <= ours.model_fields.keys()


def test_every_client_event_of_the_api_is_served_or_refused_by_name():
    union = get_args(api.RealtimeClientEvent)[0]
    theirs = {get_args(event.model_fields["type"].annotation)[0] for event in get_args(union)}
    ours = {get_args(event.model_fields["type"].annotation)[0] for event in get_args(wire.ClientEvent)}
    assert theirs <= ours | wire.UNSUPPORTED_EVENTS


def test_nulls_and_defaults_of_what_is_not_supported_are_fine():
    parse_event(
        session(
            tools=[],
            tool_choice="auto",
            truncation="auto",
            tracing=None,
            prompt=None,
            reasoning=None,
            include=None,
            parallel_tool_calls=True,
            max_output_tokens="inf",
            audio={
                "input": {
                    "format": {"type": "audio/pcm", "rate": 24_000},
                    "noise_reduction": None,
                    "turn_detection": {"type": "server_vad", "idle_timeout_ms": None},
                    "transcription": {"model": "gpt-4o-mini-transcribe", "language": "en", "prompt": ""},
                },
                "output": {"format": {"type": "audio/pcm"}, "voice": {"id": "heart"}},
            },
        )
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def outcome(parse, data):
    """What ``parse`` made of ``data``, or its refusal; any other error is the test's."""
    try:
        return parse(data)
    except InvalidRequestError as error:
        return error


@given(st.text(max_size=64))
def test_any_text_is_an_object_or_refused(text):
    result = outcome(parse_object, text)
    assert isinstance(result, dict) or result.code == "invalid_json"


@given(st.sampled_from([data for data, _, _ in WRONG]), st.data())
def test_mutations_of_events_are_events_or_refused(data, draw):
    mutant = json.loads(json.dumps(data))
    spot = mutant
    while spot and draw.draw(st.booleans()):
        key = draw.draw(st.sampled_from(sorted(spot)))
        if not isinstance(spot[key], dict):
            spot[key] = draw.draw(JSON)
            break
        spot = spot[key]
    else:
        spot[draw.draw(st.text(max_size=8))] = draw.draw(JSON)
    event_id_of(mutant)
    result = outcome(parse_event, mutant)
    assert isinstance(result, get_args(wire.ClientEvent)) or result.param is not None


@pytest.mark.parametrize(
    ("event_id", "known"), [("mine", "mine"), ("x" * 512, "x" * 512), ("x" * 513, None), (7, None)]
)
def test_only_what_is_an_id_is_sent_back_as_one(event_id, known):
    assert event_id_of({"type": "response.cancel", "event_id": event_id}) == known
