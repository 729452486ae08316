"""What is said in ``streams bench turns``, by kind; a bar marks where the speaker pauses.

The halves share no sentence. What comes before a bar could not be told from a finished sentence in the
kinds ``trailing`` and ``sequel``; these are the hard ones, and a detector that waits is the only help.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["plain", "joined", "filler", "comma", "list", "recall", "trailing", "sequel"]
Half: TypeAlias = Literal["tune", "test"]

MARK = "|"

TUNE: Mapping[Kind, tuple[str, ...]] = {
    "plain": (
        "What time does the museum close today?",
        "I finished the report this morning.",
        "Could you turn the music down a little?",
        "My sister is coming to visit on Friday.",
        "Where did you leave the car?",
        "That was the best soup I have ever had.",
        "How long does it take to boil an egg?",
        "Yes.",
        "Please read the last message again.",
        "The window in the kitchen is still open.",
        "Who was at the door just now?",
        "No, not today.",
        "Is there any milk left in the fridge?",
        "It rained the whole weekend.",
    ),
    "joined": (
        "I wanted to call you yesterday but | my phone was out of battery.",
        "We could take the train and | then walk to the hotel from there.",
        "She didn't come to the party because | she had to work late.",
        "I will help you with the garden if | you help me with the boxes.",
        "He parked the car behind the house and | forgot to lock it.",
        "You can have the blue one or | the green one with the stripes.",
        "Let me know when | the parcel arrives.",
        "Could you find out whether | the shop is open on Sunday?",
        "I haven't been there since | they changed the menu.",
        "Put the cups into the | top cupboard on the left.",
        "I am looking for | a present for my nephew.",
        "We are going to | paint the fence tomorrow.",
    ),
    "filler": (
        "I think it was, um, | about three weeks ago.",
        "So, uh, | what should we have for dinner tonight?",
        "The keys are, uh, | under the flower pot.",
        "Can you, um, | show me the picture with the dog?",
        "It looked like a, you know, | like an old fashioned radio.",
        "Well, um, | I would rather stay at home.",
        "My favourite is, uh, | the one with the mushrooms.",
        "I was going to say, um, | that the meeting moved to Monday.",
    ),
    "comma": (
        "If the weather is nice tomorrow, | we could go to the lake.",
        "When you get to the station, | give me a call.",
        "After the film was over, | everybody stayed in their seats.",
        "As far as I remember, | the door was closed.",
        "Before you go to bed, | please switch off the heater.",
        "On the other hand, | it would save us a lot of money.",
        "Since nobody else is here, | I will take the last piece.",
        "In the second drawer, | there is a pair of scissors.",
    ),
    "list": (
        "We need butter, | eggs, | flour and sugar.",
        "I met Anna, | her brother, | and two of their friends.",
        "My number is five five five, | three one two, | eight nine zero four.",
        "There was a red car, | a white van, | and a motorcycle.",
        "On Monday, | Wednesday | and Saturday I go swimming.",
        "Bring a towel, | some water, | and a hat.",
    ),
    "recall": (
        "The name of the restaurant was | Golden Garden.",
        "We met at the house of | Mister Anderson.",
        "It was written by | Virginia Woolf.",
        "The capital of that country is called | Montevideo.",
        "The actor in that film was | Robert Redford.",
        "I left my umbrella at the | dentist, I believe.",
        "Her birthday is on the | twenty third of March.",
        "You have to ask for | Caroline at the desk.",
    ),
    "trailing": (
        "Turn off the light in the bedroom, | please.",
        "The bus leaves at nine, | I think.",
        "You have met my cousin, | right?",
        "We should leave a bit earlier, | if you don't mind.",
        "Let's try it once more, | shall we?",
    ),
    "sequel": (
        "I have a question about my order. | It has not arrived yet.",
        "My camera is broken. | Where can I get it repaired?",
        "We went to the beach on Sunday. | The water was too cold to swim.",
        "I don't like this colour. | Do you have it in black?",
    ),
}

TEST: Mapping[Kind, tuple[str, ...]] = {
    "plain": (
        "How far is it to the nearest airport?",
        "The children are asleep already.",
        "Did anybody feed the cat?",
        "I would like a cup of tea.",
        "What is the weather like in Paris?",
        "Her new flat has a lovely view.",
        "Remind me to water the plants.",
        "No.",
        "When is the next train to London?",
        "That sounds like a good idea.",
        "Open the second picture again.",
        "Yes, of course.",
        "Why is the screen so dark?",
        "The neighbours bought a new sofa last week.",
    ),
    "joined": (
        "I tried to open the file but | it asked for a password.",
        "We stopped at the bakery and | bought some bread for breakfast.",
        "He was late again because | the road was blocked.",
        "You will miss the start unless | you leave right now.",
        "She closed her book and | looked out of the window.",
        "Should I take the bus or | is it close enough to walk?",
        "Tell me where | you saw the man with the ladder.",
        "I was wondering if | you could check the back door.",
        "They have lived here since | the bridge was built.",
        "Please move the lamp to the | other side of the room.",
        "I am waiting for | an answer from the bank.",
        "They were trying to | get the piano up the stairs.",
    ),
    "filler": (
        "It cost, um, | something like forty dollars.",
        "And, uh, | how many people are you expecting?",
        "The meeting is, uh, | in the small room upstairs.",
        "Could we, um, | move it to the afternoon?",
        "She works as a, you know, | as a kind of gardener.",
        "Hmm, um, | I am not sure about that.",
        "The best part was, uh, | when the lights went out.",
        "I wanted to ask, um, | if you still have my drill.",
    ),
    "comma": (
        "If you see Peter at the office, | tell him I said hello.",
        "When the bell rang, | the dog ran to the gate.",
        "Although it was late, | the shop was full of people.",
        "As soon as the rain stops, | I will hang out the washing.",
        "Before we start, | I have one more question.",
        "To be honest, | I didn't like the ending.",
        "While you were out, | somebody called about the car.",
        "At the end of the street, | you will see a yellow house.",
    ),
    "list": (
        "I packed two shirts, | a sweater, | and my boots.",
        "You need a hammer, | some nails, | and a bit of patience.",
        "The code is four seven, | nine nine, | two one.",
        "We saw lions, | elephants, | and a sleepy bear.",
        "In the morning, | at noon | and before bed take one tablet.",
        "Add salt, | pepper, | and a spoon of honey.",
    ),
    "recall": (
        "The doctor's name is | Margaret Collins.",
        "I used to work for | Northern Electric.",
        "That song was sung by | Nina Simone.",
        "The street where they live is called | Maple Avenue.",
        "The winner of the match was | Steffi Graf.",
        "I think I put it in the | blue box, actually.",
        "His flight arrives on the | ninth of October.",
        "The plant needs a little | sunlight every day.",
    ),
    "trailing": (
        "Play the next song, | please.",
        "She moved to Spain, | I guess.",
        "That is your jacket, | isn't it?",
        "I will have the fish, | if that's all right.",
        "You can come in now, | by the way.",
    ),
    "sequel": (
        "I bought this lamp last week. | The switch doesn't work.",
        "I can't find my glasses. | Did you see them anywhere?",
        "He called me this morning. | He wants to sell the boat.",
        "There is a strange noise in the engine. | Should I be worried?",
    ),
}
