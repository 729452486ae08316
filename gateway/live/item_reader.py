"""What a message that a client put into the conversation says and shows."""

from __future__ import annotations

from dataclasses import replace

from gateway.backend import Backend
from gateway.live.live import Emit
from gateway.live.sight import Sight
from llm.visual import VisualTokens
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
    """All the text of ``item``; what is said in its sound is in it once that was understood."""
    match item:
        case FunctionCall(arguments=arguments):
            return arguments
        case FunctionOutput(output=output):
            return output
        case Message(content=content):
            texts = (_written(part) for part in content)
            return "\n".join(text for text in texts if text)


def _written(part: Content) -> str:
    match part:
        case TextContent(text):
            return text
        case AudioContent(transcript=transcript):
            return transcript or ""
        case ImageContent():
            return ""


class ItemReader:
    """Recognises the sound in messages, and shows their pictures to ``sight``."""

    def __init__(self, backend: Backend, sight: Sight, emit: Emit) -> None:
        self._backend = backend
        self._sight = sight
        self._emit = emit

    async def understand(self, message: Message, *, in_conversation: bool = True) -> Message:
        """``message`` with its sound transcribed, unless its transcript came with it.

        In the conversation its pictures are named and remembered, and what was heard is told.
        """
        parts: list[Content] = []
        for content in message.content:
            match content:
                case AudioContent(transcript=None, audio=AudioChunk() as audio):
                    transcript = await self._recognise(audio)
                    if in_conversation:
                        self._emit(TranscriptCompleted(message.id, transcript, audio.duration_us))
                    parts.append(replace(content, transcript=transcript.text))
                case ImageContent(image, shows=None) if in_conversation:
                    parts.append(replace(content, shows=await self._sight.show(image, message.id)))
                case _:
                    parts.append(content)
        return replace(message, content=tuple(parts))

    async def picture(self, content: ImageContent) -> str | VisualTokens:
        """A picture as the model is shown it; "" when it is not known what it shows.

        Of one that became part of the conversation only what it shows in words is left.
        """
        if content.image.size and (content.shows is None or self._backend.reader.eye is not None):
            return await self._sight.look(content.image)
        return content.shows or ""

    async def _recognise(self, audio: AudioChunk) -> Transcript:
        recognizer = StreamingRecognizer(self._backend.recognizer)

        def recognise() -> Transcript:
            samples = resample(audio.samples, audio.rate, ASR_RATE)
            recognizer.append(AudioChunk(0, ASR_RATE, samples))
            return recognizer.finish(recognizer.end_us)

        return await self._backend.recognizer_worker.run(recognise)
