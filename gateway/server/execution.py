"""What a client asks for, as calls of its session."""

from __future__ import annotations

import asyncio

from gateway.live.live import Live
from gateway.wire import command as wanted
from gateway.wire.protocol import RealtimeProtocol
from streams.config import VideoConfig


async def execute(
    command: wanted.Command, live: Live, protocol: RealtimeProtocol, video: VideoConfig
) -> None:
    """Carry out ``command``. Updates are the seat's, which tells of them. Raises StreamsError."""
    match command:
        case wanted.AppendAudio(samples, rate):
            if len(samples):
                await live.append_audio(samples, rate)
        case wanted.CommitAudio():
            await live.commit_audio()
        case wanted.ClearAudio():
            live.clear_audio()
        case wanted.AppendFrame(pts_us=pts_us):
            await live.append_frame(await asyncio.to_thread(command.decoded, video), pts_us)
        case wanted.ClearFrames():
            live.clear_frames()
        case wanted.AddItem(previous_item_id=previous):
            await live.add_item(await asyncio.to_thread(command.decoded, video), previous)
        case wanted.RetrieveItem(item_id):
            live.retrieve_item(item_id)
        case wanted.TruncateItem(item_id, index, end_us):
            await live.truncate_item(item_id, index, end_us)
        case wanted.DeleteItem(item_id):
            await live.delete_item(item_id)
        case wanted.CreateResponse():
            options = command.options
            if command.input is not None:
                options = await asyncio.to_thread(command.decoded, video)
            protocol.expect_response(command)
            try:
                await live.respond(options)
            except BaseException:
                protocol.expect_response(None)
                raise
        case wanted.CancelResponse(response_id):
            live.cancel(response_id)
        case wanted.AddStandingRequest(text, kind, repeats, request_id):
            await live.speaking_up.add(text, kind, repeats, request_id)
        case wanted.CancelStandingRequest(request_id):
            live.speaking_up.cancel(request_id)
        case wanted.Refuse(error):
            raise error
        case wanted.UpdateSession():
            raise AssertionError("an update is the seat's")
