from streams.conversation import Message, SessionOptions, TextContent
from streams.events import ResponseCreated, ResponseDone, StageTimes
from streams.unasked import Unasked
from streams.unasked_replies import UnaskedReplies, UnaskedReply

S = 1_000_000


def test_only_what_nobody_asked_for_is_taken_from_the_events():
    heard, options = UnaskedReplies(), SessionOptions()

    def done(response_id, text):
        message = Message(f"item_{response_id}", "assistant", (TextContent(text),))
        return ResponseDone(response_id, "completed", None, message, options, True, 1, 1, 1, StageTimes())

    heard.take(ResponseCreated("a", options, True), 5 * S)
    heard.take(ResponseCreated("b", options, True, unasked=Unasked("request_0", "alert", 7 * S)), 8 * S)
    heard.take(done("a", "I am fine."), 9 * S)
    heard.take(done("b", "A dog."), 9 * S)
    assert heard.said == {"request_0": [UnaskedReply(8 * S, "A dog.")]}
