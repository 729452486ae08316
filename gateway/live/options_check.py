"""Whether a session can run by what its client asks for."""

from __future__ import annotations

import asyncio

from gateway.backend import Backend
from gateway.live.reading import Reading
from gateway.live.voices import check_speed, resolve_voice
from llm.schema import check_tools
from streams.conversation import SessionOptions, check_tool_choice
from streams.errors import InvalidRequestError


class OptionsCheck:
    """Of one session, against the models that run here."""

    def __init__(self, backend: Backend, reading: Reading) -> None:
        self._backend = backend
        self._reading = reading

    async def __call__(self, options: SessionOptions, before: SessionOptions) -> None:
        """Raises InvalidRequestError (``param`` names the field) for what responses cannot be given by.

        What is as it was ``before`` has been checked.
        """
        resolve_voice(options.voice, self._backend.synthesizer.voices)
        check_speed(options.speed, self._backend.synthesizer.speeds)
        check_tool_choice(options)
        if options.proactive != "off" and self._backend.reader.speaking is None:
            message = "the model that runs here was not trained to tell when to speak"
            raise InvalidRequestError(message, param="proactive", code="unsupported_value")
        if options.tools != before.tools:
            await asyncio.to_thread(check_tools, options.tools)  # a large schema takes its time
        if (options.instructions, options.offered) != (before.instructions, before.offered):
            await self._reading.check_instructions(options.instructions, options.offered)
