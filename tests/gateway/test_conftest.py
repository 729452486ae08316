"""The judge of server events finds what is wrong with one."""

import copy

import pytest
from pydantic import ValidationError

DONE = {
    "type": "response.done",
    "event_id": "event_1",
    "response": {
        "object": "realtime.response",
        "id": "resp_1",
        "status": "completed",
        "output": [
            {
                "id": "item_1",
                "type": "message",
                "role": "assistant",
                "content": [{"type": "output_text", "text": "Yes."}],
            }
        ],
    },
}
UPDATED = {
    "type": "session.updated",
    "event_id": "event_1",
    "session": {
        "id": "sess_1",
        "object": "realtime.session",
        "type": "realtime",
        "streams": {"events": [], "clock": "wall"},
    },
}


def changed(event, *path, **fields):
    """``event`` with ``fields`` of the object at ``path`` set, or taken out where they are None."""
    event = copy.deepcopy(event)
    spot = event
    for key in path:
        spot = spot[key]
    for name, value in fields.items():
        spot.pop(name, None)
        if value is not None:
            spot[name] = value
    return event


def test_right_events_pass(judge):
    assert judge(DONE).response.output[0].content[0].text == "Yes."
    assert judge(UPDATED).session.type == "realtime"


@pytest.mark.parametrize(
    "event",
    [
        changed(DONE, event_id=None),
        changed(DONE, response=None),
        changed(DONE, "response", status="finished"),
        changed(DONE, "response", "output", 0, role=None),
        changed(DONE, type="response.finished"),
        changed(UPDATED, "session", type=None),
        changed(UPDATED, "session", id=None),
        changed(UPDATED, "session", instructions=3),
    ],
)
def test_what_is_missing_or_of_a_wrong_type_is_found(judge, event):
    with pytest.raises((ValidationError, KeyError)):
        judge(event)


@pytest.mark.parametrize(
    "event",
    [
        changed(DONE, colour="red"),
        changed(DONE, "response", colour="red"),
        changed(DONE, "response", "output", 0, "content", 0, colour="red"),
        changed(UPDATED, "session", colour="red"),
    ],
)
def test_what_is_foreign_is_found_at_any_depth(judge, event):
    with pytest.raises(AssertionError, match="colour"):
        judge(event)
