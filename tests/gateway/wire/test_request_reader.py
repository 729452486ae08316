import base64
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.wire.binary import MAX_TIMESTAMP_MS, BinaryAppend, BinaryKind
from gateway.wire.command import AddItem, AppendAudio, AppendFrame, CreateResponse, EncodedImage, Refuse
from gateway.wire.protocol import RealtimeProtocol
from speech.audio_format import PCMU
from streams.config import ServerConfig, VideoConfig
from streams.conversation import (
    AudioContent,
    FunctionCall,
    FunctionOutput,
    ImageContent,
    ItemReference,
    NamedTool,
    ResponseOptions,
    SessionOptions,
    TextContent,
    Tool,
)
from streams.errors import MediaError

LIMIT = 48_000


def protocol():
    return RealtimeProtocol(
        "sess_1",
        "m",
        SessionOptions(),
        server=ServerConfig(max_audio_append_bytes=LIMIT),
        thumbnail=lambda block_id: None,
    )


def read(event):
    """What an event, or a binary message, asks for."""
    return protocol().receive(event if isinstance(event, bytes) else json.dumps(event)).command


def refused(event):
    command = read(event)
    assert isinstance(command, Refuse), command
    return command.error.code, command.error.param


def append(audio):
    return {"type": "input_audio_buffer.append", "audio": audio}


def message(*content, **fields):
    item = {"type": "message", "role": "user", "content": list(content), **fields}
    return {"type": "conversation.item.create", "item": item}


def base64_of(data):
    return base64.b64encode(data).decode()


def test_audio_becomes_samples():
    command = read(append(base64_of(np.array([0, 16_384, -32_768, 32_767], "<i2").tobytes())))
    assert isinstance(command, AppendAudio)
    assert command.rate == 24_000
    assert command.samples.dtype == np.float32
    np.testing.assert_allclose(command.samples, [0, 0.5, -1, 1], atol=1e-4)


@pytest.mark.parametrize(("kind", "loud"), [("audio/pcmu", 0x80), ("audio/pcma", 0xAA)])
def test_audio_is_read_in_the_format_of_the_session(kind, loud):
    data = bytes([loud] * 480)
    update = {"type": "realtime", "audio": {"input": {"format": {"type": kind, "rate": 8_000}}}}
    reading = protocol()
    reading.session_updated(
        reading.receive(json.dumps({"type": "session.update", "session": update})).command
    )
    item = reading.receive(json.dumps(message({"type": "input_audio", "audio": base64_of(data)}))).command
    appended = reading.receive(json.dumps(append(base64_of(data)))).command
    binary = reading.receive(BinaryAppend(BinaryKind.AUDIO, data).pack()).command
    sound = item.item.content[0].audio
    for samples, rate in ((appended.samples, appended.rate), (binary.samples, binary.rate)):
        assert (rate, sound.rate) == (8_000, 8_000)
        np.testing.assert_array_equal(samples, sound.samples)
    np.testing.assert_allclose(sound.samples, 0.98, atol=0.01)
    assert sound.duration_us == 60_000


@pytest.mark.parametrize("audio", ["?", "AAA", "AA A", "ÄÖÜß", base64_of(b"abc")])
def test_undecodable_audio_is_refused(audio):
    assert refused(append(audio)) == ("invalid_audio", "audio")


def test_audio_is_bounded_to_the_byte():
    assert isinstance(read(append(base64_of(bytes(LIMIT)))), AppendAudio)
    assert refused(append(base64_of(bytes(LIMIT + 2)))) == ("audio_too_large", "audio")


def test_a_frame_keeps_its_time_and_decodes_from_base64_and_data_url(png_base64):
    for image in (png_base64, f"data:image/png;base64,{png_base64}"):
        command = read({"type": "input_video_buffer.append", "image": image, "timestamp_ms": 1500.25})
        assert isinstance(command, AppendFrame)
        assert command.pts_us == 1_500_250
        assert command.decoded(VideoConfig()).shape == (8, 12, 3)
    assert read({"type": "input_video_buffer.append", "image": png_base64}).pts_us is None


@given(st.binary(max_size=64) | st.integers(LIMIT - 2, LIMIT + 2).map(bytes))
def test_sound_is_the_same_or_refused_alike_in_both_forms(data):
    json_form = read(append(base64_of(data)))
    binary_form = read(BinaryAppend(BinaryKind.AUDIO, data).pack())
    if isinstance(json_form, Refuse):
        assert fault(binary_form.error) == fault(json_form.error)
        return
    assert binary_form.rate == json_form.rate
    np.testing.assert_array_equal(binary_form.samples, json_form.samples)


@given(st.none() | st.integers(0, MAX_TIMESTAMP_MS * 1_000), st.binary(max_size=64), st.booleans())
def test_a_frame_is_the_same_or_refused_alike_in_both_forms(png, timestamp_us, tail, is_picture):
    image = png + tail if is_picture else tail
    frame = {"type": "input_video_buffer.append", "image": base64_of(image)}
    if timestamp_us is not None:
        frame["timestamp_ms"] = timestamp_us / 1_000
    json_form, binary_form = read(frame), read(BinaryAppend(BinaryKind.IMAGE, image, timestamp_us).pack())
    assert binary_form.pts_us == json_form.pts_us == timestamp_us
    config = VideoConfig(max_image_bytes=len(png) + 32)
    if isinstance(json_picture := decoded(json_form, config), MediaError):
        assert fault(decoded(binary_form, config)) == fault(json_picture)
    else:
        np.testing.assert_array_equal(decoded(binary_form, config), json_picture)


def fault(error):
    return type(error), error.code, error.param


def decoded(frame, config):
    try:
        return frame.decoded(config)
    except MediaError as error:
        return error


@pytest.mark.parametrize(
    ("image", "code"),
    [
        ("?", "invalid_image"),
        ("AAAA", "invalid_image"),
        ("data:text/plain,hello", "invalid_image"),
        ("A" * 4_000, "image_too_large"),
    ],
)
def test_a_wrong_frame_names_its_field(image, code):
    command = read({"type": "input_video_buffer.append", "image": image})
    with pytest.raises(MediaError) as caught:
        command.decoded(VideoConfig(max_image_bytes=1_000))
    assert (caught.value.code, caught.value.param) == (code, "image")


def test_a_frame_of_too_many_pixels_is_refused(png_base64):
    command = read({"type": "input_video_buffer.append", "image": png_base64})
    with pytest.raises(MediaError) as caught:
        command.decoded(VideoConfig(max_pixels=95))
    assert (caught.value.code, caught.value.param) == ("image_too_large", "image")


def test_a_message_holds_text_sound_and_pictures(png_base64):
    url = f"data:image/png;base64,{png_base64}"
    command = read(
        message(
            {"type": "input_text", "text": "What is this?"},
            {"type": "input_image", "image_url": url, "detail": "auto"},
            {"type": "input_audio", "audio": base64_of(bytes(480))},
            {"type": "input_audio", "transcript": "I said so."},
            id="item_mine",
        )
    )
    assert isinstance(command, AddItem)
    assert command.item.content[1] == EncodedImage(url, "item.content[1].image_url")
    item = command.decoded(VideoConfig())
    assert (item.id, item.role, item.status) == ("item_mine", "user", "completed")
    text, picture, sound, said = item.content
    assert text == TextContent("What is this?")
    assert isinstance(picture, ImageContent)
    assert picture.image.shape == (8, 12, 3)
    assert picture.url == url
    assert isinstance(sound, AudioContent)
    assert sound.audio.rate == 24_000
    assert sound.audio.duration_us == 10_000
    assert said == AudioContent("I said so.")


def test_history_of_the_assistant_is_text():
    command = read(message({"type": "output_text", "text": "A cat."}, role="assistant"))
    assert command.item.content == (TextContent("A cat."),)
    assert command.item.id.startswith("item_")


def create(**item):
    return {"type": "conversation.item.create", "item": item}


def test_function_items_are_read_as_they_are():
    call = {"type": "function_call", "name": "get_weather", "arguments": '{"city": "Paris"}'}
    made = read(create(**call, call_id="call_1", id="item_1", status="incomplete")).item
    assert made == FunctionCall("item_1", "call_1", "get_weather", '{"city": "Paris"}', "incomplete")
    unnamed = read(create(**call)).item
    assert unnamed.call_id.startswith("call_")
    assert unnamed.id.startswith("item_")
    output = read(create(type="function_call_output", call_id="call_1", output="21 degrees", id="item_2"))
    assert output.item == output.decoded(VideoConfig()) == FunctionOutput("item_2", "call_1", "21 degrees")
    assert output.previous_item_id is None


@pytest.mark.parametrize("arguments", ["", "city", "[1]", "3", "null", "{'a': 1}", '{"a": NaN}', '{"a": 1'])
def test_arguments_that_are_no_json_object_are_refused(arguments):
    call = create(type="function_call", name="get_weather", arguments=arguments)
    assert refused(call) == ("invalid_value", "item.arguments")


@pytest.mark.parametrize(
    ("event", "code", "param"),
    [
        (message({"type": "output_text", "text": "x"}), "unsupported_value", "item.content[0].type"),
        (
            message({"type": "output_audio", "transcript": "x"}, role="assistant"),
            "unsupported_value",
            "item.content[0].type",
        ),
        (
            message({"type": "input_image", "image_url": "data:,"}, role="system"),
            "unsupported_value",
            "item.content[0].type",
        ),
        (message({"type": "input_text"}), "missing_required_parameter", "item.content[0].text"),
        (message({"type": "input_audio"}), "missing_required_parameter", "item.content[0].audio"),
        (message({"type": "input_image"}), "missing_required_parameter", "item.content[0].image_url"),
        (
            message({"type": "input_text", "text": "x", "audio": "AAA="}),
            "invalid_value",
            "item.content[0].audio",
        ),
        (
            message({"type": "input_image", "image_url": "https://example.com/cat.png"}),
            "unsupported_value",
            "item.content[0].image_url",
        ),
        (
            message({"type": "input_image", "image_url": "data:,", "detail": "high"}),
            "unsupported_value",
            "item.content[0].detail",
        ),
        (
            message({"type": "input_text", "text": "x"}, {"type": "input_audio", "audio": "AAA"}),
            "invalid_audio",
            "item.content[1].audio",
        ),
    ],
)
def test_a_wrong_message_names_its_part(event, code, param):
    assert refused(event) == (code, param)


def test_a_picture_of_a_message_that_cannot_be_decoded_names_its_part():
    command = read(message({"type": "input_image", "image_url": "data:image/png;base64,AAAA"}))
    with pytest.raises(MediaError) as caught:
        command.decoded(VideoConfig())
    assert (caught.value.code, caught.value.param) == ("invalid_image", "item.content[0].image_url")


def test_a_response_overrides_what_it_names():
    command = read(
        {
            "type": "response.create",
            "response": {
                "instructions": "In French.",
                "output_modalities": ["text"],
                "audio": {"output": {"voice": "nova", "format": {"type": "audio/pcmu"}}},
                "max_output_tokens": 12,
                "conversation": "none",
                "metadata": {"topic": "cats"},
            },
        }
    )
    options = ResponseOptions("In French.", "text", "nova", 12, in_conversation=False)
    assert command == CreateResponse(options, {"topic": "cats"}, PCMU)
    assert read({"type": "response.create"}) == CreateResponse(ResponseOptions())


def test_a_response_may_have_tools_of_its_own():
    def options(**response):
        return read({"type": "response.create", "response": response}).options

    weather = {"type": "function", "name": "get_weather", "parameters": {"type": "object"}}
    assert options().tools is None
    assert options(tools=[]).tools == ()
    given = options(tools=[weather, {"name": "stop"}], tool_choice={"type": "function", "name": "stop"})
    assert given.tools == (
        Tool("get_weather", "", '{"type": "object"}'),
        Tool("stop", "", '{"type": "object", "properties": {}}'),
    )
    assert given.tool_choice == NamedTool("stop")
    assert options(tool_choice="none").tool_choice == "none"


def test_a_response_may_be_given_its_input(png_base64):
    def created(*items):
        return read({"type": "response.create", "response": {"input": list(items), "conversation": "none"}})

    assert read({"type": "response.create"}).decoded(VideoConfig()).input is None
    assert created().decoded(VideoConfig()) == ResponseOptions(input=(), in_conversation=False)
    url = f"data:image/png;base64,{png_base64}"
    content = [{"type": "input_text", "text": "Look."}, {"type": "input_image", "image_url": url}]
    command = created(
        {"type": "item_reference", "id": "item_1"},
        {"type": "function_call", "name": "f", "arguments": "{}", "call_id": "call_1"},
        {"type": "message", "role": "user", "content": content},
    )
    assert command.options.input is None
    reference, call, said = command.decoded(VideoConfig()).input
    assert reference == ItemReference("item_1")
    assert (call.name, call.call_id) == ("f", "call_1")
    assert said.content[0] == TextContent("Look.")
    assert said.content[1].image.shape == (8, 12, 3)


@pytest.mark.parametrize(
    ("item", "code", "param"),
    [
        (
            {"type": "message", "role": "user", "content": [{"type": "output_text", "text": "x"}]},
            "unsupported_value",
            "response.input[1].content[0].type",
        ),
        (
            {"type": "function_call", "name": "f", "arguments": "none"},
            "invalid_value",
            "response.input[1].arguments",
        ),
    ],
)
def test_a_wrong_input_names_its_place(item, code, param):
    given = [{"type": "item_reference", "id": "item_1"}, item]
    assert refused({"type": "response.create", "response": {"input": given}}) == (code, param)
