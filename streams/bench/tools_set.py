"""Questions to a session with tools: which of them is called, with what, or none.

The two halves share no tool and no question.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from streams.conversation import Tool

Half: TypeAlias = Literal["tune", "test"]

TOOLS = """
get_weather: Get the current weather and temperature in a city | city string
set_timer: Start a timer that rings after some minutes | minutes integer
play_music: Play songs of an artist | artist string
send_message: Send a text message to a person | recipient string, text string
switch_light: Turn the light in a room on or off | room kitchen/bedroom/bathroom, state on/off
get_stock_price: Look up the share price of a company | company string
add_to_shopping_list: Put an item on the shopping list | item string
translate: Translate a word or phrase into another language | phrase string, language string
book_table: Reserve a table at a restaurant | restaurant string, people integer
call_taxi: Order a taxi to an address | destination string
set_temperature: Set the heating to a temperature in degrees | degrees integer
lock_door: Lock or unlock a door of the house | door front/back/garage, action lock/unlock
get_news: Get the latest news about a topic | topic string
convert_currency: Convert money from one currency to another | amount number, from string, to string
create_event: Add an appointment to the calendar | title string, day Monday/Tuesday/Wednesday/Friday
take_photo: Take a photo with the camera and save it
"""
"""A tool a line: its name, what it does, and its arguments with their types or values."""

TUNE = """
*get_weather set_timer | What is the weather like in Paris? | city=Paris
play_music *get_weather | How warm is it in Madrid right now? | city=Madrid
*get_weather switch_light | Do I need an umbrella in London today? | city=London
translate *get_weather | Tell me the temperature in Oslo. | city=Oslo
*set_timer get_weather | Set a timer for ten minutes. | minutes=10
send_message *set_timer | Remind me in 25 minutes to take the bread out. | minutes=25
*set_timer add_to_shopping_list | Start a timer of 3 minutes for my tea, please. | minutes=3
get_weather *play_music | Play something by Miles Davis. | artist=Miles Davis
*play_music switch_light | I want to listen to some songs of Abba. | artist=Abba
set_timer *play_music | Put on Nina Simone. | artist=Nina Simone
*send_message set_timer | Send Anna a message that I will be late. | recipient=Anna; text=?
play_music *send_message | Text my brother Tom that dinner is ready. | recipient=Tom; text=?
*switch_light get_weather | Turn on the light in the kitchen. | room=kitchen; state=on
send_message *switch_light | Switch the bedroom light off, please. | room=bedroom; state=off
*switch_light set_timer | It is too dark in the bathroom, can you turn the light on? | room=bathroom; state=on
get_weather *get_stock_price | What is the share price of Apple? | company=Apple
*get_stock_price set_timer | How much does a share of Siemens cost today? | company=Siemens
play_music *get_stock_price | Look up the stock of Toyota. | company=Toyota
*add_to_shopping_list set_timer | Add milk to the shopping list. | item=milk
switch_light *add_to_shopping_list | We are out of olive oil, put it on my list. | item=olive oil
*translate get_weather | Translate good morning into Spanish. | phrase=good morning; language=Spanish
send_message *translate | How do you say thank you in Italian? | phrase=thank you; language=Italian
get_weather set_timer | What do you see right now?
play_music get_weather | When did the cat come in?
set_timer switch_light | What was on the table an hour ago?
get_weather send_message | Who was at the door this morning?
send_message set_timer | What did I say about my keys?
switch_light add_to_shopping_list | Have you seen my glasses?
switch_light play_music | What colour was the car?
set_timer switch_light | How many people were in the room?
get_weather translate | Thank you, that is all.
get_weather translate | Good morning, how are you?
send_message play_music | What is your name?
switch_light get_weather | Why is the sky blue?
get_weather translate | What is the capital of France?
translate play_music | Who wrote Romeo and Juliet?
play_music set_timer | How does a piano make its sound?
play_music send_message | Tell me a joke.
get_weather set_timer | What can you do?
set_timer translate | Say that again, please.
get_stock_price set_timer | Was there a rocket in the picture before?
add_to_shopping_list set_timer | How do I boil an egg?
switch_light add_to_shopping_list | Is the cup on the left the same as before?
send_message get_stock_price | What do you think about that?
"""
TEST = """
*book_table get_news | Book a table for four at Luigi's. | restaurant=Luigi's; people=4
call_taxi *book_table | We want to eat at the Blue Lotus tonight, two of us. | restaurant=Blue Lotus; people=2
*call_taxi create_event | Can you get me a cab to the airport? | destination=airport
set_temperature *call_taxi | I need a ride to 12 Baker Street. | destination=12 Baker Street
*set_temperature lock_door | Make it 21 degrees in here. | degrees=21
take_photo *set_temperature | It is cold, turn the heating up to 23. | degrees=23
*lock_door create_event | Lock the front door, please. | door=front; action=lock
get_news *lock_door | Open the garage for me. | door=garage; action=unlock
*get_news convert_currency | What is new in football? | topic=football
book_table *get_news | Tell me the headlines about the election. | topic=election
*convert_currency call_taxi | How much is 50 dollars in euros? | amount=50; from=dollars; to=euros
set_temperature *convert_currency | Convert 200 pounds to yen. | amount=200; from=pounds; to=yen
*create_event book_table | Put a dentist appointment on Tuesday. | title=?; day=Tuesday
lock_door *create_event | I have lunch with Maria on Friday, note it down. | title=?; day=Friday
*take_photo get_news | Take a picture of this.
convert_currency *take_photo | Please save a snapshot.
book_table take_photo | What is on the table?
call_taxi lock_door | Did the postman come?
convert_currency take_photo | How many cups did you see?
lock_door set_temperature | Where did I put the remote control?
get_news create_event | What did Anna say before she left?
set_temperature create_event | When was the dog on the sofa?
take_photo call_taxi | Who is that?
book_table get_news | Hello there!
create_event set_temperature | You are really helpful.
convert_currency lock_door | Never mind.
get_news set_temperature | How old is the universe?
book_table create_event | What does a dentist do?
set_temperature get_news | Why do leaves fall in autumn?
get_news call_taxi | Who invented the telephone?
lock_door take_photo | Can you explain how a lock works?
get_news book_table | Give me a recipe for pancakes.
set_temperature lock_door | Was it dark outside when I came home?
take_photo call_taxi | What colour is the taxi in the picture?
"""
"""A question a line, behind the tools that are offered; * marks the one that is due, then its arguments.

``?`` stands for any text.
"""

OUTPUTS = """
get_weather | What is the weather like in Paris? | 21 degrees, snow | 21, snow
get_weather | How warm is it in Madrid? | {"temperature_c": 34, "sky": "clear"} | 34, clear
get_stock_price | What is the share price of Apple? | {"price": 231.5, "currency": "USD"} | 231
get_news | Who won the match yesterday? | Leeds 3, York 1 | Leeds
set_timer | Set a timer for ten minutes. | {"rings_at": "17:40"} | 17:40, 10 minutes, ten minutes
convert_currency | How much is 50 dollars in euros? | 46.2 euros | 46
create_event | Put the dentist on Tuesday. | {"added": "dentist", "at": "Tuesday 9:00"} | Tuesday, 9:00
lock_door | Is the front door locked? | {"locked": false} | not locked, unlocked, not
"""
"""What a function gave back to a question, and what an answer with it may say."""


@dataclass(frozen=True, slots=True)
class Case:
    """``call`` is the tool's name, None when none is due; an argument that is None may be any text."""

    offered: tuple[Tool, ...]
    question: str
    call: str | None
    arguments: Mapping[str, Any]

    def matches(self, arguments: Mapping[str, Any]) -> bool:
        """Whether a call's arguments are those that are due."""
        return self.arguments.keys() == arguments.keys() and all(
            _says(arguments[name], due) for name, due in self.arguments.items()
        )


def _says(said: Any, due: Any) -> bool:
    if due is None:
        return bool(str(said).strip())
    if isinstance(due, str):
        return str(said).strip().casefold().removeprefix("the ") == due.casefold()
    return bool(said == due)


@dataclass(frozen=True, slots=True)
class Output:
    tool: Tool
    question: str
    output: str
    tells: tuple[str, ...]
    """An answer that holds one of these used the output."""


def tools() -> dict[str, Tool]:
    return {tool.name: tool for tool in (_tool(line) for line in TOOLS.strip().splitlines())}


def cases(half: Half) -> tuple[Case, ...]:
    lines = (TUNE if half == "tune" else TEST).strip().splitlines()
    return tuple(_case(line, tools()) for line in lines)


def outputs() -> tuple[Output, ...]:
    read = []
    for line in OUTPUTS.strip().splitlines():
        name, question, output, tells = (part.strip() for part in line.split(" | "))
        read.append(Output(tools()[name], question, output, tuple(tells.split(", "))))
    return tuple(read)


def _tool(line: str) -> Tool:
    about, _, told = line.partition(" | ")
    name, _, description = about.partition(": ")
    properties = {}
    for argument in filter(None, told.split(", ")):
        key, kind = argument.split()
        properties[key] = {"enum": kind.split("/")} if "/" in kind else {"type": kind}
    schema = {"type": "object", "properties": properties, "required": [*properties]}
    return Tool(name, description, json.dumps(schema))


def _case(line: str, known: Mapping[str, Tool]) -> Case:
    names, question, *told = line.split(" | ")
    offered = tuple(known[name.removeprefix("*")] for name in names.split())
    due = next((name.removeprefix("*") for name in names.split() if name.startswith("*")), None)
    arguments: dict[str, Any] = {}
    for argument in told[0].split("; ") if told else ():
        key, _, value = argument.partition("=")
        arguments[key] = _value(value, json.loads(known[due or ""].parameters)["properties"][key])
    return Case(offered, question, due, arguments)


def _value(text: str, schema: Mapping[str, Any]) -> str | float | None:
    if text == "?":
        return None
    return float(text) if schema.get("type") in ("integer", "number") else text
