"""Ask with a recording (WAV: 16 bits, mono, 24 kHz), keep the spoken answer as another."""

import asyncio
import base64
import sys
import wave

from openai import AsyncOpenAI

RATE = 24_000
PIECE = RATE // 50  # samples in 20 ms


async def ask(
    question: str, answer: str, url: str = "http://127.0.0.1:8765/v1", key: str = "none"
) -> tuple[str, str]:
    """The question as it was understood, and the answer's words; its sound is in the file ``answer``."""
    with wave.open(question) as recording:
        assert (recording.getframerate(), recording.getnchannels(), recording.getsampwidth()) == (RATE, 1, 2)
        spoken = recording.readframes(recording.getnframes())
    client = AsyncOpenAI(base_url=url, api_key=key)
    heard, said, sound = "", "", b""
    async with client.realtime.connect(model="streams") as connection:
        transcription = {"input": {"transcription": {"model": "embedded", "language": "en"}}}
        await connection.session.update(session={"type": "realtime", "audio": transcription})
        microphone = asyncio.create_task(_speak(connection, spoken + bytes(2 * RATE)))
        async for event in connection:
            if event.type == "conversation.item.input_audio_transcription.completed":
                heard = event.transcript
            elif event.type == "response.output_audio.delta":
                sound += base64.b64decode(event.delta)
            elif event.type == "response.output_audio_transcript.done":
                said = event.transcript
            elif event.type == "error":
                raise SystemExit(f"{event.error.message} ({event.error.param})")
            elif event.type == "response.done":
                break
        microphone.cancel()
    with wave.open(answer, "wb") as recording:
        recording.setnchannels(1)
        recording.setsampwidth(2)
        recording.setframerate(RATE)
        recording.writeframes(sound)
    print(f"heard: {heard}\nsaid: {said}")
    return heard, said


async def _speak(connection, pcm: bytes) -> None:
    """As a microphone would: a piece every 20 ms. The silence at the end ends the turn."""
    for start in range(0, len(pcm), 2 * PIECE):
        audio = base64.b64encode(pcm[start : start + 2 * PIECE]).decode()
        await connection.input_audio_buffer.append(audio=audio)
        await asyncio.sleep(PIECE / RATE)


if __name__ == "__main__":
    asyncio.run(ask(*sys.argv[1:]))
