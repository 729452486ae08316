"""What a message that a client put into the conversation says and shows."""

from __future__ import annotations

from gateway.backend import Backend
from gateway.live.live import Emit
from gateway.live.sight import Sight
from speech.asr import ASR_RATE
from speech.audio import resample
from speech.streaming import StreamingRecognizer
from streams.conversation import (
    AudioContent,
    Content,
    FunctionCall,
    FunctionOutput,
    ImageContent,
    Item,
    Message,
    TextContent,
)
from streams.events import TranscriptCompleted
from streams.types import AudioChunk, Transcript


def written_text(item: Item) -> str:
    """All the text that ``item`` comes with; what is said in its sound is not known yet."""
    match item:
        case FunctionCall(arguments=arguments):
            return arguments
        case FunctionOutput(output=output):
            return output
        case Message(content=content):
            return "\n".join(_written(part) for part in content)


def _written(part: Content) -> str:
    match part:
        case TextContent(text):
            return text
        case AudioContent(transcript=transcript):
            return transcript or ""
        case ImageContent():
            return ""


class ItemReader:
    """Recognises the sound in messages, and shows their pictures to ``sight``, which reads them."""

    def __init__(self, backend: Backend, sight: Sight, emit: Emit) -> None:
        self._backend = backend
        self._sight = sight
        self._emit = emit

    async def text_of(self, item: Message) -> str:
        """The words of ``item``. Sound is recognised unless its transcript came with it."""
        texts: list[str] = []
        for content in item.content:
            match content:
                case TextContent(text):
                    texts.append(text)
                case AudioContent(transcript=str(transcript)):
                    texts.append(transcript)
                case AudioContent(audio=AudioChunk() as audio):
                    texts.append(await self._recognise(item.id, audio))
                case ImageContent(image):
                    await self._sight.show(image, item.id)
        return "\n".join(text for text in texts if text)

    async def _recognise(self, item_id: str, audio: AudioChunk) -> str:
        recognizer = StreamingRecognizer(self._backend.recognizer)

        def recognise() -> Transcript:
            samples = resample(audio.samples, audio.rate, ASR_RATE)
            recognizer.append(AudioChunk(0, ASR_RATE, samples))
            return recognizer.finish(recognizer.end_us)

        transcript = await self._backend.recognizer_worker.run(recognise)
        self._emit(TranscriptCompleted(item_id, transcript, audio.duration_us))
        return transcript.text
