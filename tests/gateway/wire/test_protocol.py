import base64
import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.wire.command import CreateResponse, Refuse, Request, UpdateSession
from gateway.wire.protocol import RealtimeProtocol
from speech.audio_format import PCM16, PCMA, PCMU
from streams.config import ServerConfig
from streams.conversation import (
    AudioContent,
    FunctionCall,
    FunctionOutput,
    ImageContent,
    Message,
    NamedTool,
    ResponseOptions,
    SessionOptions,
    TextContent,
    Tool,
)
from streams.errors import InvalidRequestError, MediaError, ModelError
from streams.events import (
    ArgumentsDelta,
    AudioDelta,
    FramesDropped,
    FrameSeen,
    InputCleared,
    InputCommitted,
    ItemAdded,
    ItemDeleted,
    ItemDone,
    ItemRetrieved,
    ItemTruncated,
    MemoryReported,
    MomentsRecalled,
    ResponseCreated,
    ResponseDone,
    ResponseItemAdded,
    SessionFailed,
    SpeechStarted,
    SpeechStopped,
    StageTimes,
    TextDelta,
    TranscriptCompleted,
    TranscriptFailed,
    TranscriptPartial,
)
from streams.types import AudioChunk, BlockKind, Moment, Transcript, Word

ALL = [
    "memory.recalled",
    "memory.reported",
    "session.latency",
    "input_video_buffer.seen",
    "input_video_buffer.dropped",
    "conversation.item.input_audio_transcription.partial",
]
WEATHER = Tool("get_weather", "Get the weather", '{"type": "object"}')
TRANSCRIPTION = "conversation.item.input_audio_transcription"


@pytest.fixture
def protocol():
    return RealtimeProtocol(
        "sess_1",
        "streams",
        SessionOptions(),
        server=ServerConfig(max_audio_append_bytes=1_000, resume_grace_s=0),
        thumbnail=lambda block_id: b"jpeg" if block_id == 7 else None,
    )


def update(protocol, **session):
    request = protocol.receive(
        json.dumps({"type": "session.update", "session": {"type": "realtime", **session}})
    )
    assert isinstance(request.command, UpdateSession), request
    return protocol.session_updated(request.command)


def tell(protocol, *events):
    return [message for event in events for message in protocol.event_to_send(event)]


def kinds(messages):
    return [message["type"] for message in messages]


def answer(modality="audio", in_conversation=True, status="completed", reason=None, error=None, words=2):
    """A response's events, from created to done; ``words`` 0 stops before anything is written."""
    options = SessionOptions(modality=modality)
    item = Message("item_a", "assistant", (), "in_progress")
    said = ("A cat.", " It sleeps.")[:words]
    text = "".join(said)
    content = AudioContent(text) if modality == "audio" else TextContent(text)
    full = Message("item_a", "assistant", (content,), "completed" if status == "completed" else "incomplete")
    yield ResponseCreated("resp_1", options, in_conversation)
    yield MomentsRecalled("resp_1", (Moment(1_000_000, 2_500_000, 0.75, BlockKind.FRAME, "a cat", 7),))
    if words:
        yield ResponseItemAdded("resp_1", item, "item_q")
    for word in said:
        yield TextDelta("resp_1", "item_a", word)
        if modality == "audio":
            chunk = AudioChunk(0, 24_000, np.full(6_000, 0.5, np.float32))
            yield AudioDelta("resp_1", "item_a", chunk)
    yield ResponseDone(
        "resp_1",
        status,
        reason,
        full if words else None,
        options,
        in_conversation,
        context_tokens=700,
        input_tokens=40,
        output_tokens=9,
        times=StageTimes(transcript_ms=12.5, total_ms=900.0),
        error=error,
    )


def call(*pieces, status="completed", in_conversation=True, item=True):
    """The events of a response that calls a function."""
    options = SessionOptions(tools=(WEATHER,), tool_choice=NamedTool("get_weather"))
    begun = FunctionCall("item_c", "call_1", "get_weather", "", "in_progress")
    done = replace(begun, arguments="".join(pieces), status=status)
    yield ResponseCreated("resp_1", options, in_conversation)
    yield ResponseItemAdded("resp_1", begun, "item_q")
    for piece in pieces:
        yield ArgumentsDelta("resp_1", "item_c", piece)
    yield ResponseDone(
        "resp_1",
        "failed" if not item else status,
        "max_output_tokens" if status == "incomplete" else None,
        done if item else None,
        options,
        in_conversation,
        context_tokens=700,
        input_tokens=40,
        output_tokens=len(pieces),
        times=StageTimes(),
    )


def test_a_call_streams_its_arguments(protocol, judge):
    messages = tell(protocol, *call('{"city":', ' "Paris"}'))
    assert kinds(messages) == [
        "response.created",
        "response.output_item.added",
        "conversation.item.added",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
    ]
    parsed = [judge(message) for message in messages]
    begun, done = parsed[1].item, parsed[-2].item
    assert (begun.type, begun.name, begun.arguments, begun.status) == (
        "function_call",
        "get_weather",
        "",
        "in_progress",
    )
    assert "".join(each.delta for each in parsed[3:5]) == parsed[5].arguments == '{"city": "Paris"}'
    assert {each.call_id for each in parsed[3:6]} == {"call_1"}
    assert parsed[5].name == "get_weather"
    assert (done.arguments, done.status) == ('{"city": "Paris"}', "completed")
    assert parsed[-1].response.output == [done]
    assert parsed[-1].response.output[0].call_id == "call_1"


@pytest.mark.parametrize("item", [True, False], ids=["ended", "failed"])
def test_a_call_that_was_not_finished_is_incomplete(protocol, judge, item):
    messages = tell(protocol, *call('{"city":', status="incomplete", in_conversation=False, item=item))
    assert not [kind for kind in kinds(messages) if kind.startswith("conversation.")]
    (output,) = judge(messages[-1]).response.output
    assert (output.arguments, output.status) == ('{"city":', "incomplete")


def test_tools_are_echoed_and_errors_of_theirs_named(protocol, judge):
    function = {
        "type": "function",
        "name": "get_weather",
        "description": "",
        "parameters": {"type": "object"},
    }
    echo = update(protocol, tools=[function, {"name": "stop"}], tool_choice="required")
    session = judge(echo).session
    assert echo["session"]["tools"][0] == function
    assert [tool.name for tool in session.tools] == ["get_weather", "stop"]
    assert session.tool_choice == "required"
    echo = update(protocol, tool_choice={"type": "function", "name": "stop"})
    assert judge(echo).session.tool_choice.name == "stop"
    assert len(echo["session"]["tools"]) == 2
    echo = update(protocol, tools=None, tool_choice=None)
    assert (echo["session"]["tools"], echo["session"]["tool_choice"]) == ([], "auto")
    request = protocol.receive(json.dumps({"type": "session.update", "session": {"type": "realtime"}}))
    error = InvalidRequestError("no", param="tools[1].parameters")
    assert protocol.error_to_send(error, request)["error"]["param"] == "session.tools[1].parameters"
    request = protocol.receive(json.dumps({"type": "response.create"}))
    error = InvalidRequestError("no", param="tool_choice.name")
    assert protocol.error_to_send(error, request)["error"]["param"] == "response.tool_choice.name"


def test_a_session_opens_with_its_object(protocol, judge):
    created = protocol.session_created()
    assert judge(created).session.audio.output.format.rate == 24_000
    assert created["type"] == "session.created"


def test_an_update_is_echoed_whole(protocol, judge):
    echo = update(
        protocol,
        instructions="Sing.",
        audio={"input": {"transcription": {"model": "whisper-1"}, "turn_detection": None}},
    )
    parsed = judge(echo).session
    assert parsed.instructions == "Sing."
    assert parsed.audio.input.turn_detection is None
    assert parsed.audio.input.transcription.model == "whisper-1"
    assert parsed.audio.input.format.rate == 24_000


def test_an_update_that_the_session_refuses_changes_nothing(protocol):
    request = protocol.receive(
        json.dumps({"type": "session.update", "session": {"type": "realtime", "instructions": "Sing."}})
    )
    assert isinstance(request.command, UpdateSession)
    assert update(protocol)["session"]["instructions"] == ""


def test_a_spoken_answer_in_the_order_of_the_api(protocol, judge):
    messages = tell(protocol, *answer())
    assert kinds(messages) == [
        "response.created",
        "response.output_item.added",
        "conversation.item.added",
        "response.content_part.added",
        "response.output_audio_transcript.delta",
        "response.output_audio.delta",
        "response.output_audio.delta",
        "response.output_audio_transcript.delta",
        "response.output_audio.delta",
        "response.output_audio.delta",
        "response.output_audio.done",
        "response.output_audio_transcript.done",
        "response.content_part.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
    ]
    for message in messages:
        judge(message)
    for message in messages:
        if message["type"].startswith(("response.output_audio", "response.content_part")):
            place = {key: message[key] for key in ("response_id", "item_id", "output_index", "content_index")}
            assert place == {
                "response_id": "resp_1",
                "item_id": "item_a",
                "output_index": 0,
                "content_index": 0,
            }
    assert len({message["event_id"] for message in messages}) == len(messages)
    assert messages[2]["previous_item_id"] == messages[13]["previous_item_id"] == "item_q"
    assert messages[11]["transcript"] == "A cat. It sleeps."
    assert messages[12]["part"] == {"type": "audio", "transcript": "A cat. It sleeps."}


def test_sound_is_pcm16_in_short_pieces(protocol):
    messages = tell(protocol, *answer())
    pieces = [
        base64.b64decode(each["delta"]) for each in messages if each["type"] == "response.output_audio.delta"
    ]
    assert [len(piece) for piece in pieces] == [9_600, 2_400, 9_600, 2_400]
    assert set(np.frombuffer(b"".join(pieces), "<i2")) == {16_384}


def sound_of(messages, audio_format):
    """The sound in ``messages``, whose pieces are at most 200 ms long."""
    pieces = [base64.b64decode(each["delta"]) for each in messages if each["type"].endswith("_audio.delta")]
    assert max(len(piece) for piece in pieces) <= audio_format.rate * audio_format.sample_bytes // 5
    return b"".join(pieces)


@pytest.mark.parametrize("audio_format", [PCMU, PCMA])
def test_sound_is_in_the_format_that_the_session_asks_for(protocol, judge, audio_format):
    kind = {"type": audio_format.type}
    update(protocol, audio={"output": {"format": kind}})
    messages = tell(protocol, *answer())
    for message in messages:
        judge(message)
    assert messages[0]["response"]["audio"]["output"]["format"] == kind
    data = sound_of(messages, audio_format)
    assert len(data) == 4_000  # all of it, the resampler's tail too: half a second
    sound = audio_format.decode(data)
    np.testing.assert_allclose(sound[100:-100], 0.5, atol=0.02)
    # Where one chunk ends and the next begins nothing is heard.
    assert np.ptp(sound[1_900:2_100]) < 0.02


def test_one_response_may_be_in_another_format(protocol):
    protocol.expect_response(CreateResponse(ResponseOptions(), None, PCMA))
    assert len(sound_of(tell(protocol, *answer()), PCMA)) == 4_000
    assert len(sound_of(tell(protocol, *answer()), PCM16)) == 24_000


def test_a_response_that_a_turn_began_meanwhile_is_not_taken_for_the_clients(protocol):
    protocol.expect_response(CreateResponse(ResponseOptions(), {"topic": "x"}))
    options = SessionOptions()
    (turns,) = tell(protocol, ResponseCreated("resp_1", options, True, by_client=False))
    (clients,) = tell(protocol, ResponseCreated("resp_2", options, False))
    (next_one,) = tell(protocol, ResponseCreated("resp_3", options, False))
    assert [each["response"]["metadata"] for each in (turns, clients, next_one)] == [
        None,
        {"topic": "x"},
        None,
    ]


def test_no_sound_is_sent_of_a_response_once_it_is_cancelled(protocol):
    update(protocol, audio={"output": {"format": {"type": "audio/pcmu"}}})
    *before, done = answer(status="cancelled", reason="turn_detected")
    tell(protocol, *before)
    assert not [each for each in tell(protocol, done) if each["type"].endswith("_audio.delta")]


def test_done_tells_how_it_ended_and_holds_no_sound(protocol, judge):
    done = tell(protocol, *answer())[-1]["response"]
    assert done["status"] == "completed"
    assert done["output"][0]["content"] == [{"type": "output_audio", "transcript": "A cat. It sleeps."}]
    assert done["conversation_id"].startswith("conv_")
    assert done["usage"] == {
        "total_tokens": 709,
        "input_tokens": 700,
        "output_tokens": 9,
        "input_token_details": {
            "text_tokens": 700,
            "audio_tokens": 0,
            "image_tokens": 0,
            "cached_tokens": 660,
            "cached_tokens_details": {"text_tokens": 660, "audio_tokens": 0, "image_tokens": 0},
        },
        "output_token_details": {"text_tokens": 9, "audio_tokens": 0},
    }


def test_a_written_answer(protocol, judge):
    messages = tell(protocol, *answer(modality="text"))
    assert kinds(messages)[4:8] == [
        "response.output_text.delta",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
    ]
    for message in messages:
        judge(message)
    assert messages[6]["text"] == "A cat. It sleeps."
    content = messages[-1]["response"]["output"][0]["content"]
    assert content == [{"type": "output_text", "text": "A cat. It sleeps."}]


def test_out_of_band_answers_do_not_touch_the_conversation(protocol, judge):
    messages = tell(protocol, *answer(in_conversation=False))
    assert not [kind for kind in kinds(messages) if kind.startswith("conversation.")]
    assert judge(messages[-1]).response.conversation_id is None


@pytest.mark.parametrize(
    ("status", "reason", "error"),
    [
        ("cancelled", "turn_detected", None),
        ("cancelled", "client_cancelled", None),
        ("incomplete", "max_output_tokens", None),
        ("failed", None, ModelError("the model broke")),
    ],
)
@pytest.mark.parametrize("words", [0, 1])
def test_done_is_sent_however_it_ends(protocol, judge, status, reason, error, words):
    messages = tell(protocol, *answer(status=status, reason=reason, error=error, words=words))
    for message in messages:
        judge(message)
    response = judge(messages[-1]).response
    assert response.status == response.status_details.type == status
    assert response.status_details.reason == reason
    assert len(response.output) == words
    if error is not None:
        assert response.status_details.error.code == "model_error"
    if words:
        assert response.output[0].status == "incomplete"


def test_an_item_that_never_got_its_end_is_ended_for_it(protocol, judge):
    *events, done = answer(status="failed", error=ModelError("broke"), words=1)
    lost = ResponseDone(
        done.response_id, "failed", None, None, done.options, True, 1, 1, 1, done.times, done.error
    )
    messages = tell(protocol, *events, lost)
    for message in messages:
        judge(message)
    item = messages[-1]["response"]["output"][0]
    assert item["status"] == "incomplete"
    assert item["content"] == [{"type": "output_audio", "transcript": "A cat."}]


def test_metadata_comes_back_with_the_response_that_asked_for_it_only(protocol):
    protocol.expect_response(CreateResponse(ResponseOptions(), {"topic": "cats"}))
    first = tell(protocol, *answer())
    assert first[0]["response"]["metadata"] == first[-1]["response"]["metadata"] == {"topic": "cats"}
    assert tell(protocol, *answer())[-1]["response"]["metadata"] is None


def test_input_by_voice(protocol, judge):
    item = Message("item_1", "user", (AudioContent(),))
    messages = tell(
        protocol,
        SpeechStarted("item_1", 1_234_567),
        SpeechStopped("item_1", 2_000_000),
        InputCommitted("item_1", None),
        ItemAdded(item, None),
        ItemDone(item, None),
        InputCleared(),
    )
    for message in messages:
        judge(message)
    assert messages[0]["audio_start_ms"] == 1_234
    assert messages[1]["audio_end_ms"] == 2_000
    assert messages[3]["item"]["content"] == [{"type": "input_audio", "transcript": None}]


def test_what_becomes_of_items(protocol, judge):
    item = Message("item_1", "user", (AudioContent("Hello."),))
    messages = tell(
        protocol, ItemRetrieved(item), ItemDeleted("item_1"), ItemTruncated("item_2", 0, 1_500_999)
    )
    for message in messages:
        judge(message)
    assert messages[0]["item"]["content"] == [{"type": "input_audio", "transcript": "Hello."}]
    assert messages[1]["item_id"] == "item_1"
    assert (messages[2]["item_id"], messages[2]["audio_end_ms"]) == ("item_2", 1_500)


def test_items_of_every_role_and_content(protocol, judge):
    picture = ImageContent(np.zeros((2, 2, 3), np.uint8), "data:image/png;base64,AAAA")
    for role, content in [
        ("user", (TextContent("hi"), picture, AudioContent("hello"))),
        ("assistant", (TextContent("hi"),)),
        ("system", (TextContent("be kind"),)),
    ]:
        for message in tell(protocol, ItemAdded(Message("i", role, content), "before")):
            parsed = judge(message)
            assert parsed.item.role == role
            assert parsed.previous_item_id == "before"
            assert not any(part.model_extra for part in parsed.item.content)


def test_calls_and_what_they_gave(protocol, judge):
    call = FunctionCall("i", "call_1", "get_weather", '{"city": "Paris"}')
    (added,) = tell(protocol, ItemAdded(call, None))
    item = judge(added).item
    assert (item.type, item.call_id, item.name, item.arguments, item.status, item.object) == (
        "function_call",
        "call_1",
        "get_weather",
        '{"city": "Paris"}',
        "completed",
        "realtime.item",
    )
    (retrieved,) = tell(protocol, ItemRetrieved(FunctionOutput("j", "call_1", "21 degrees")))
    item = judge(retrieved).item
    assert (item.type, item.call_id, item.output) == ("function_call_output", "call_1", "21 degrees")


def heard(*words):
    return Transcript(tuple(Word(word, i * 100, i * 100 + 90) for i, word in enumerate(words)))


def test_transcripts_go_to_those_who_turned_them_on(protocol, judge):
    events = [
        TranscriptPartial("item_1", "what is", "this"),
        TranscriptPartial("item_1", "", "this on"),
        TranscriptPartial("item_1", "this on", "the"),
        TranscriptCompleted("item_1", heard("what", "is", "this", "on", "the", "table"), 2_500_000),
        TranscriptFailed("item_2", ModelError("deaf")),
    ]
    assert tell(protocol, *events) == []
    update(protocol, audio={"input": {"transcription": {}}})
    messages = tell(protocol, *events)
    for message in messages:
        judge(message)
    deltas = [each["delta"] for each in messages if each["type"] == f"{TRANSCRIPTION}.delta"]
    assert deltas == ["what is", " this on", " the table"]
    completed, failed = messages[-2:]
    assert completed["transcript"] == "".join(deltas)
    assert completed["usage"] == {"type": "duration", "seconds": 2.5}
    assert failed["error"]["code"] == "model_error"


def test_a_correction_at_the_end_is_not_appended_to_what_was_said(protocol):
    update(protocol, audio={"input": {"transcription": {}}})
    messages = tell(
        protocol,
        TranscriptPartial("item_1", "wreck a nice", ""),
        TranscriptCompleted("item_1", heard("recognise", "speech"), 1_000_000),
    )
    assert kinds(messages) == [f"{TRANSCRIPTION}.delta", f"{TRANSCRIPTION}.completed"]


def test_events_outside_the_api_go_to_subscribers_only(protocol):
    events = [
        *answer(modality="text"),
        FrameSeen(3_000_000, "a cat", 3, 5),
        FramesDropped(2, 5, "overload"),
        MemoryReported("forgotten", 3, "the disk budget is used up"),
        TranscriptPartial("item_1", "what", "is"),
    ]
    assert not set(kinds(tell(protocol, *events))) & set(ALL)
    update(protocol, streams={"events": ALL})
    own = {each["type"]: each for each in tell(protocol, *events) if each["type"] in ALL}
    assert own.keys() == set(ALL)
    assert all(each.pop("event_id") and each.pop("type") for each in own.values())
    assert own["memory.recalled"] == {
        "response_id": "resp_1",
        "moments": [
            {
                "start_ms": 1_000,
                "end_ms": 2_500,
                "score": 0.75,
                "kind": "frame",
                "text": "a cat",
                "thumbnail": "data:image/jpeg;base64,anBlZw==",
            }
        ],
    }
    assert own["session.latency"] == {
        "response_id": "resp_1",
        "end_of_speech_ms": None,
        "transcript_ms": 12.5,
        "recall_ms": None,
        "first_token_ms": None,
        "first_audio_ms": None,
        "heard_ms": None,
        "total_ms": 900.0,
    }
    assert own["input_video_buffer.seen"] == {
        "timestamp_ms": 3_000,
        "text": "a cat",
        "tokens": 3,
        "tokens_saved": 5,
    }
    assert own["memory.reported"] == {
        "problem": "forgotten",
        "blocks": 3,
        "message": "the disk budget is used up",
    }
    assert own["input_video_buffer.dropped"] == {"count": 2, "total": 5, "reason": "overload"}
    assert own[f"{TRANSCRIPTION}.partial"] == {
        "item_id": "item_1",
        "content_index": 0,
        "confirmed": "what",
        "tentative": "is",
    }


def test_errors_name_the_client_event_at_fault(protocol, judge):
    request = protocol.receive('{"type": "response.cancel", "event_id": "mine", "response_id": 4}')
    assert isinstance(request.command, Refuse)
    error = judge(protocol.error_to_send(request.command.error, request)).error
    assert (error.type, error.code, error.param, error.event_id) == (
        "invalid_request_error",
        "invalid_type",
        "response_id",
        "mine",
    )


def test_options_that_the_session_refuses_are_named_as_the_wire_names_them(protocol):
    error = InvalidRequestError("no such voice", param="voice")
    of_session = protocol.receive('{"type": "session.update", "session": {"type": "realtime"}}')
    of_response = protocol.receive('{"type": "response.create"}')
    assert protocol.error_to_send(error, of_session)["error"]["param"] == "session.audio.output.voice"
    assert protocol.error_to_send(error, of_response)["error"]["param"] == "response.audio.output.voice"


def test_whose_fault_an_error_is(protocol, judge):
    request = Request("mine", Refuse(InvalidRequestError("x")))
    media = judge(protocol.error_to_send(MediaError("torn", param="image"), request)).error
    assert (media.type, media.param) == ("invalid_request_error", "image")
    bug = judge(protocol.error_to_send(ZeroDivisionError("secret"), request)).error
    assert (bug.type, bug.code) == ("server_error", "internal_error")
    assert "secret" not in bug.message
    (failed,) = tell(protocol, SessionFailed(ModelError("broke")))
    assert judge(failed).error.event_id is None
    assert failed["error"]["type"] == "server_error"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=8,
)
TYPES = [
    "session.update",
    "input_audio_buffer.append",
    "input_video_buffer.append",
    "conversation.item.create",
    "response.create",
    "response.cancel",
]
FIELDS = st.fixed_dictionaries(
    {"type": st.sampled_from(TYPES)},
    optional=dict.fromkeys(("audio", "image", "session", "item", "response", "event_id"), JSON),
)
HOSTILE = JSON.map(json.dumps) | FIELDS.map(json.dumps) | st.text() | st.binary()


@given(st.lists(HOSTILE, max_size=5))
def test_nothing_a_client_sends_ends_the_session(messages):
    protocol = RealtimeProtocol(
        "sess_1",
        "m",
        SessionOptions(),
        server=ServerConfig(max_audio_append_bytes=100),
        thumbnail=lambda block_id: None,
    )
    for message in messages:
        request = protocol.receive(message)
        if isinstance(request.command, Refuse):
            error = protocol.error_to_send(request.command.error, request)
            json.dumps(error).encode("ascii")
            assert error["error"]["message"]
    assert isinstance(
        protocol.receive('{"type":"session.update","session":{"type":"realtime"}}').command, UpdateSession
    )
