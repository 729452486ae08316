"""Says on a timeline what the server tells: what is seen and heard, recalled and answered, and how soon."""

from __future__ import annotations

from streams.client import ServerEvent
from streams.timeline import Timeline
from streams.types import UNNAMED, US_PER_MS, format_time

TOLD = (
    "memory.recalled",
    "session.latency",
    "input_video_buffer.seen",
    "input_video_buffer.dropped",
    "session.ending",
    "session.standing_requests",
    "response.suppressed",
    "response.held",
    "response.resumed",
    "conversation.item.input_audio_transcription.partial",
)
"""Events outside the API that have to be subscribed to."""


class Teller:
    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._confirmed = self._hearing = ""
        self._seen = ""
        self._answer = ""

    def on_event(self, event: ServerEvent) -> None:
        match event["type"]:
            case "input_video_buffer.seen":
                if event["text"] and event["text"] != self._seen:
                    self._timeline.say("saw", event["text"])
                self._seen = event["text"]
            case "input_video_buffer.dropped":
                self._timeline.say("note", f"{event['count']} frames dropped ({event['reason']})")
            case "conversation.item.input_audio_transcription.partial":
                self._hear(event)
            case "conversation.item.input_audio_transcription.completed":
                self._confirmed = self._hearing = ""
                self._timeline.tick(0, hearing="")
                self._timeline.say("you", event["transcript"] or "(nothing)")
            case "conversation.item.input_audio_transcription.failed" | "error":
                self._timeline.say("error", event["error"]["message"])
            case "session.ending":
                seconds = event["in_ms"] / 1_000
                self._timeline.say("note", f"the session ends in {seconds:.0f} s ({event['reason']})")
            case "session.standing_requests":
                self._timeline.say("note", stands(event))
            case "response.suppressed":
                self._timeline.say("note", f"something due was not said ({event['reason']})")
            case "session.resumed":
                self._timeline.say("note", "the connection was lost, and is back")
            case "response.resumed":
                self._timeline.say("note", f"going on: that was no interruption ({event['reason']})")
            case _:
                self._on_response(event)

    def _hear(self, event: ServerEvent) -> None:
        self._confirmed = f"{self._confirmed} {event['confirmed']}".strip()
        partial = f"{self._confirmed} {event['tentative']}".strip()
        self._timeline.tick(0, hearing=partial)
        if partial != self._hearing:
            self._timeline.say("hears", f"{partial} …")
        self._hearing = partial

    def _on_response(self, event: ServerEvent) -> None:
        match event["type"]:
            case "memory.recalled":
                if moments := [shown_moment(moment) for moment in event["moments"]]:
                    self._timeline.say("recalled", " · ".join(moments))
            case "response.output_audio_transcript.delta" | "response.output_text.delta":
                self._answer += event["delta"]
                self._timeline.tick(0, writing=self._answer)
            case "session.latency":
                stages = " · ".join(f"{stage} {ms:.0f}" for stage, ms in stages_of(event).items())
                self._timeline.say("timing", f"ms from the end of the question: {stages}")
            case "response.created":
                if why := (event["response"]["metadata"] or {}).get("streams.unasked"):
                    self._timeline.say("note", f"speaking up ({why})")
            case "response.done":
                self._timeline.tick(0, writing="")
                self._timeline.say("answer", _ended(event["response"], self._answer))
                self._answer = ""
            case _:
                pass


def stands(event: ServerEvent) -> str:
    """What became of a standing request, and what stands now."""
    texts = [request["text"] for request in event["requests"]]
    return f"to speak up about ({event['change']}): {' · '.join(texts) or 'nothing'}"


def stages_of(event: ServerEvent) -> dict[str, float]:
    """The stages in a ``session.latency`` that happened, in ms."""
    return {
        name.removesuffix("_ms"): value
        for name, value in event.items()
        if name.endswith("_ms") and value is not None
    }


def shown_moment(moment: ServerEvent) -> str:
    return f"{format_time(moment['start_ms'] * US_PER_MS)} {moment['text'] or UNNAMED}"


def text_of(response: ServerEvent) -> str:
    """What a finished response said, as it is remembered."""
    parts = (part for item in response["output"] for part in item.get("content", ()))
    return "".join(part.get("transcript") or part.get("text") or "" for part in parts).strip()


def _ended(response: ServerEvent, written: str) -> str:
    text = text_of(response) or written.strip()
    match response["status"]:
        case "cancelled":
            return f"{text}  — interrupted"
        case "failed":
            return f"{text}  — failed: {response['status_details'].get('error', {}).get('message', '')}"
        case _:
            return text
