"""A hand-written day on which things are seen, said and answered, and questions about single moments of it.

The questions avoid the words of the moment that answers them, so that what is measured is whether a memory
finds what is meant. Those of the first half may be tuned on; figures to be compared are those of the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from streams.types import US_PER_S, BlockKind

Half: TypeAlias = Literal["tune", "test"]

SPACING_US = 12 * US_PER_S
"""From one block to the next."""


@dataclass(frozen=True, slots=True)
class Event:
    """One block to be; ``line`` is the line of the script that it belongs to."""

    kind: BlockKind
    at_us: int
    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Probe:
    """``evidence`` is the text of the line that answers, or for what is said its beginning; ``which`` counts
    lines of the same text.
    """

    half: Half
    question: str
    evidence: str
    which: int = 0


# Frames are named as a classifier of ImageNet names them, and last some blocks each ("x4"). "U" is what the
# user or somebody else says, "R" what is replied.
SCRIPT = """
x4 desk, laptop
U Good morning, let us see whether everything is switched on.
R Good morning! I can see and hear you.
x5 espresso
U Grandma is allergic to peanuts, so please no satay for her.
x4 tabby cat, sofa
x3 bookcase
U The plumber comes on Monday to mend the leaking tap.
R Noted, he will be here at the start of next week.
x6 window shade
x4 banana
U I put the spare key under the blue flower pot.
x5 acoustic guitar
R A guitar is tuned from the lowest string up: E, A, D, G, B, E.
x4 wall clock
U The wifi password is thirteen purple dragons.
x5 washing machine
x3 running shoe
U Ben scored twice on Saturday, his coach was thrilled.
R Boil eggs for seven minutes if you like the yolk soft.
x6 street sign, traffic light
x4 fire engine
U There was a lot of smoke over at the paper mill.
x4 school bus
x3 mailbox
U Our neighbour Mister Olsen broke his leg on the ski slope.
R That sounds painful, I hope it heals well.
x5 park bench
x4 golden retriever
U We will name the puppy Biscuit.
x3 tennis ball
x5 fountain
U I am learning Portuguese for the summer.
R Canberra is the capital of Australia, not Sydney.
x4 hen
x4 barn
U The brakes squeak, so it has to go to the garage.
x5 lawn mower
x3 picket fence
R You could take the night train to Vienna instead of flying.
x4 moped
x4 castle
U My flight to Lisbon was cancelled because of a strike.
x5 zebra
x4 African elephant
U When I was six, a parrot in the zoo stole my hat.
R Parrots can live for more than fifty years.
x4 great white shark
x3 goldfish
x5 restaurant
x4 pizza
U The bill was forty two euros with the tip.
x3 wine bottle
R Salt and cold water take red wine out of a carpet.
x5 candle
U Anna turns thirty on the second of June and wishes for a telescope.
x4 grand piano
U I have rehearsals every Wednesday with the choir.
x5 stage, microphone
R Water the orchid only once a week, it rots otherwise.
x4 vase, daisy
x4 bee
U Doctor Meyer says I should cut down on salt.
x3 stethoscope
x5 hospital curtain
R A magnesium tablet in the evening may help against cramps.
U I have not slept well since the storm tore off the roof tiles.
x4 umbrella
x5 parking meter
U I left the car on level three next to the elevator.
x4 airliner
x3 backpack
U Clara lands on Thursday evening at half past eight.
R Then you should leave home at seven to be there in time.
x4 speedboat
x5 seashore
x3 sunglasses
U The rent goes up to nine hundred euros from January.
x4 parachute
x4 ski, snow
U Tomorrow I have an interview at the bakery.
R Wear something simple, and bring your references.
x5 refrigerator
x3 Granny Smith
U The library wants its atlas back by Friday.
x4 hammer
x4 toolbox
U I want to paint the bedroom light green.
R Chess began in India about fifteen hundred years ago.
x5 chess board
U My left glove is gone, I think it stayed on the tram.
x4 teapot
x3 wooden spoon
U The garage door opens with four four seven one.
R I will remember the digits for you.
x5 television
x4 castle
U That documentary on volcanoes was far too long.
x4 tractor
R Lava flows at up to thirty kilometres an hour.
x3 sewing machine
U The hem of my grey trousers has come undone.
x5 swimming trunks
x4 mountain bike
U The chain needs oil before the tour on Sunday.
x3 crash helmet
R Take at least two litres to drink on the tour.
x4 Siamese cat
U She only eats the tuna one, never the chicken one.
x3 dishwasher
x4 violin
U The concert was moved to the town hall because of the flood.
R The town hall has four hundred seats.
x5 desk, monitor
x3 coffee mug
U I think that is all for today.
"""

PROBES = (
    # Seen.
    Probe("tune", "What was there to drink that keeps you awake?", "espresso"),
    Probe("test", "Which pet lay on the couch?", "tabby cat, sofa"),
    Probe("tune", "Where were the novels kept?", "bookcase"),
    Probe("test", "Did you see a yellow fruit?", "banana"),
    Probe("tune", "Which instrument can one strum at a campfire?", "acoustic guitar"),
    Probe("test", "Which device shows the hour and the minute?", "wall clock"),
    Probe("tune", "Which appliance gets dirty shirts clean?", "washing machine"),
    Probe("test", "What does somebody wear to go jogging?", "running shoe"),
    Probe("tune", "Which red vehicle hurries to a burning house?", "fire engine"),
    Probe("test", "What takes children to their lessons?", "school bus"),
    Probe("tune", "Where do letters and postcards go?", "mailbox"),
    Probe("test", "Did you see a big friendly dog?", "golden retriever"),
    Probe("tune", "Which bird lays the breakfast eggs?", "hen"),
    Probe("test", "What is used to cut the grass?", "lawn mower"),
    Probe("tune", "Was there a scooter with a small engine?", "moped"),
    Probe("test", "Which striped animal was on camera?", "zebra"),
    Probe("tune", "What huge beast with a trunk did you see?", "African elephant"),
    Probe("test", "Which dangerous fish did you see?", "great white shark"),
    Probe("tune", "What Italian food was on the table?", "pizza"),
    Probe("test", "Did you see an alcoholic drink?", "wine bottle"),
    Probe("tune", "What gave light with a small flame?", "candle"),
    Probe("test", "Which big instrument with black and white keys was there?", "grand piano"),
    Probe("tune", "Which insect collects honey?", "bee"),
    Probe("test", "What does a physician listen to the heart with?", "stethoscope"),
    Probe("tune", "What keeps people dry in the rain?", "umbrella"),
    Probe("test", "What flies passengers through the sky?", "airliner"),
    Probe("tune", "What was racing over the lake?", "speedboat"),
    Probe("test", "What protects the eyes on a bright day?", "sunglasses"),
    Probe("tune", "What lets a jumper fall slowly?", "parachute"),
    Probe("test", "Which winter sport did you see?", "ski, snow"),
    Probe("tune", "What keeps milk and butter cold?", "refrigerator"),
    Probe("test", "Was there a green apple?", "Granny Smith"),
    Probe("tune", "What does one drive nails with?", "hammer"),
    Probe("test", "Which game of kings and pawns was set up?", "chess board"),
    # Said.
    Probe("tune", "What must an old lady of the family not eat?", "Grandma is allergic"),
    Probe("test", "Who is going to repair the water pipe?", "The plumber comes"),
    Probe("tune", "How can I get into the house when I am locked out?", "I put the spare key"),
    Probe("test", "How do visitors get online?", "The wifi password"),
    Probe("tune", "Which boy is good at football?", "Ben scored"),
    Probe("test", "Who had an accident in the snow?", "Our neighbour Mister Olsen"),
    Probe("tune", "What did I say the young dog is going to be called?", "We will name the puppy"),
    Probe("test", "What is wrong with my vehicle?", "The brakes squeak"),
    Probe("tune", "Why could I not travel to Portugal?", "My flight to Lisbon"),
    Probe("test", "How much did we pay for the meal?", "The bill was forty two"),
    Probe("tune", "Which present would make a friend happy?", "Anna turns thirty"),
    Probe("test", "What did I say about singing with others?", "I have rehearsals"),
    Probe("tune", "What was the medical advice that I got?", "Doctor Meyer says"),
    Probe("test", "Why am I so tired?", "I have not slept well"),
    Probe("tune", "On which floor did I say I parked?", "I left the car on level"),
    Probe("test", "Whom do I have to pick up from the airport?", "Clara lands"),
    Probe("tune", "What does my flat cost every month?", "The rent goes up"),
    Probe("test", "Where might I be employed soon?", "Tomorrow I have an interview"),
    Probe("tune", "Which borrowed book has to be returned?", "The library wants"),
    Probe("test", "Which colour did I choose for the room where I sleep?", "I want to paint"),
    Probe("tune", "What did I lose on public transport?", "My left glove"),
    Probe("test", "What is the secret number?", "The garage door opens"),
    # Answered.
    Probe("test", "What did you tell me about cooking breakfast?", "Boil eggs"),
    Probe("tune", "Which way of travelling did you suggest?", "You could take the night train"),
    Probe("test", "What did you say about removing a stain?", "Salt and cold water"),
    Probe("tune", "What did you tell me about looking after plants?", "Water the orchid"),
    Probe("test", "What did you recommend for sore muscles?", "A magnesium tablet"),
    Probe("tune", "What did you say about the origin of a board game?", "Chess began"),
    Probe("test", "What did you tell me about a seat of government overseas?", "Canberra is"),
    Probe("tune", "What did you say about dressing for a job application?", "Wear something simple"),
    # Seen or said at a time.
    Probe("test", "Which pet was there in the last ten minutes?", "Siamese cat"),
    Probe("tune", "Which old fortress did you see more than forty minutes ago?", "castle", 0),
    Probe("test", "Which old fortress did you see in the last half hour?", "castle", 1),
    Probe("test", "What instrument with a bow was there in the last five minutes?", "violin"),
    Probe("tune", "What vehicle on two wheels did you see in the last fifteen minutes?", "mountain bike"),
    Probe("test", "What did I say about clothes in the last quarter of an hour?", "The hem of my grey"),
    Probe("tune", "What did I say about a film in the last twenty minutes?", "That documentary"),
    Probe("test", "What was there to eat between 04:00 and 08:00?", "banana"),
)

KINDS = {"U": BlockKind.UTTERANCE, "R": BlockKind.REPLY}


def events() -> tuple[Event, ...]:
    """The script as blocks, evenly spaced."""
    made: list[Event] = []
    for number, line in enumerate(SCRIPT.strip().splitlines()):
        mark, _, text = line.partition(" ")
        kind = KINDS.get(mark, BlockKind.FRAME)
        for _ in range(int(mark[1:]) if kind is BlockKind.FRAME else 1):
            made.append(Event(kind, len(made) * SPACING_US, text, number))
    return tuple(made)


def evidence_line(probe: Probe) -> int:
    """The number of the line that answers ``probe``."""
    matches = []
    for number, line in enumerate(SCRIPT.strip().splitlines()):
        mark, _, text = line.partition(" ")
        # What is said is known by its beginning, what was seen by all its names.
        if text.startswith(probe.evidence) if mark in KINDS else text == probe.evidence:
            matches.append(number)
    return matches[probe.which]
