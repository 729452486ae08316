"""What asks to be told later or no more, and what only looks so: counted over a set of phrases."""

import pytest

from streams.request_phrase import Stop, Wish, content_words, recognise, stopped_by
from streams.standing_request import StandingRequest

ONCE = """
Tell me when you see a dog.
Let me know if somebody comes to the door.
Alert me if the baby wakes up.
Can you tell me when the kettle boils?
Please warn me if smoke comes out of the oven.
Hey, could you let me know once the bus arrives?
As soon as the cat comes back, tell me.
If a red car shows up, let me know please.
Notify me when there is a person in the garden.
Tell me the moment the light turns green.
Would you please tell me as soon as the screen changes?
Give me a shout when the water is boiling.
When you see my keys, say so.
Watch out for a delivery van and tell me.
Keep an eye out for the postman.
I want you to tell me when the timer shows zero.
Okay, now tell me when it has stopped raining.
Speak up if anything moves.
Wake me up when the plane is about to land.
Look out for a blue cup and let me know.
Tell me if you see a bicycle.
Once the cake is ready, let us know.
You can tell me when he sits down.
Remind me when the clock says five.
That is fine. Tell me when the train comes in.
Don't worry. Just let me know when she is back.
Inform me if the door opens.
Call out when the ball crosses the line.
""".strip().splitlines()

AGAIN = """
Tell me whenever a car passes.
Let me know every time somebody comes in.
Alert me each time the phone lights up.
Whenever you see a bird, say so.
Every time the dog barks or jumps, tell me.
From now on tell me any time the door opens.
Please notify us whenever there's motion in the yard.
Let me know whenever the number on the screen changes.
Could you warn me every time someone comes near the bike?
Always tell me whenever the cat sits on the table.
""".strip().splitlines()

NARRATED = """
Describe what you see as it changes.
Narrate what happens in the video.
Keep describing what is going on.
Tell me what you see as it happens.
Keep me posted on what happens in there.
Please describe everything as you go.
Give me a running commentary.
Can you narrate this for me?
Start describing the scene.
Talk me through what you see.
Tell us everything as things happen.
Describe the street continuously, please.
Comment on what you see while I cook.
Keep me updated.
""".strip().splitlines()

STOPPED = """
Stop telling me about cars.
Please stop telling me.
You can stop watching for the dog now.
Don't tell me about the cat any more.
Stop describing what you see.
No more commentary, please.
Cancel the alert.
Never mind the alert for the kettle.
You don't need to tell me again.
Okay, stop narrating.
Stop letting me know whenever a car passes.
No need to warn me any longer.
Forget about that reminder.
Stop looking out for the postman.
That's enough commentary.
""".strip().splitlines()

NOTHING = """
Tell me when you saw the dog.
Tell me when the dog came in.
Tell me if you saw a bicycle.
Tell me when that was.
Let me know if that was a cat.
Tell me when the meeting is.
Tell me if the light is on.
Tell me about the dog.
Tell me what you see.
Describe what you see.
Describe the room.
Describe what you saw earlier.
What do you see when the door opens?
When did you see the dog?
When did I tell you to stop?
Did you tell me when the dog came?
Why do you tell me whenever a car passes?
Do you let people know if they are filmed?
Can you tell me what time it is?
Could you tell me if the cat was there before?
Tell me if you have seen my keys.
Let me know what you think.
She said she would tell me when it is ready.
I will let you know when I am back.
You told me when the bus arrived.
Tell me a story.
If you were a dog, what would you do?
When I was young, I lived in Rome.
Is there a dog in the picture?
Stop.
Stop it.
The bus stop is near.
Don't tell me that is a cat!
Never mind.
Whenever I cook, the cat comes.
Watch this.
Look at the dog.
Wait for me.
Keep going.
What is new?
Tell me whose cup it was when we started.
How many cars passed?
Remind me what I said.
Thank you, that will be all.
The alarm is loud.
Tell me when Anna left.
Who let you know?
Say hello to my friend.
Call me Peter.
Forget it.
""".strip().splitlines()


def told(phrase):
    match recognise(phrase):
        case Wish("alert", _, repeats=True):
            return "again"
        case Wish("alert"):
            return "once"
        case Wish("narration"):
            return "narration"
        case Stop():
            return "stop"
        case None:
            return "nothing"


SET = [
    *((phrase, "once") for phrase in ONCE),
    *((phrase, "again") for phrase in AGAIN),
    *((phrase, "narration") for phrase in NARRATED),
    *((phrase, "stop") for phrase in STOPPED),
    *((phrase, "nothing") for phrase in NOTHING),
]


def test_precision_and_recall_over_the_phrases():
    assert len(SET) > 110
    wrong = [(phrase, kind, told(phrase)) for phrase, kind in SET if told(phrase) != kind]
    asked = [kind for _, kind in SET if kind != "nothing"]
    taken = [(kind, got) for phrase, kind in SET if (got := told(phrase)) != "nothing"]
    right = sum(kind == got for kind, got in taken)
    assert right / len(taken) >= 0.98, wrong
    assert right / len(asked) >= 0.95, wrong


@pytest.mark.parametrize("phrase", NOTHING)
def test_what_is_no_request_is_not_taken_for_one(phrase):
    assert recognise(phrase) is None


def test_the_sentence_that_asks_is_the_request():
    assert recognise("Nice. Tell me when you see a dog! Thanks.") == Wish(
        "alert", "Tell me when you see a dog!", repeats=False
    )
    assert recognise("") is None
    assert recognise("…") is None


def request(request_id, text, kind="alert"):
    return StandingRequest(request_id, kind, text, repeats=True, created_us=0)


REQUESTS = [
    request("car", "Tell me whenever a car passes."),
    request("dog", "Let me know if you see a dog."),
    request("all", "Describe what you see as it changes.", "narration"),
]


@pytest.mark.parametrize(
    ("phrase", "ended"),
    [
        ("Stop telling me about cars.", ["car"]),
        ("Stop watching for the dog.", ["dog"]),
        ("Stop describing what you see.", ["all"]),
        ("Don't tell me about the weather any more.", []),
        ("Stop telling me.", ["car", "dog", "all"]),
    ],
)
def test_what_is_stopped(phrase, ended):
    assert [each.id for each in stopped_by(recognise(phrase), REQUESTS)] == ended


def test_content_words_have_no_plural():
    assert content_words("about the red cars when you see them") == {"red", "car", "them"}
