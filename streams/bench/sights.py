"""What a camera might show over hours, as an image classifier names it."""

from __future__ import annotations

THINGS = """
espresso, tabby cat, motor scooter, palace, tripod, space shuttle, acoustic guitar, grand piano, golden
retriever, goldfish, bald eagle, sunflower, teapot, laptop, umbrella, mountain bike, sailboat, steam
locomotive, traffic light, street sign, bookcase, table lamp, wall clock, running shoe, sunglasses,
backpack, pizza, strawberry, lemon, broccoli, ice cream, candle, violin, drum, parachute, tractor, school
bus, fire engine, lighthouse, windmill, suspension bridge, castle, greenhouse, barn, fountain, park bench,
mailbox, vending machine, microwave, refrigerator, washing machine, vacuum cleaner, hammer, screwdriver,
power drill, tennis ball, soccer ball, basketball, ski, snowmobile, volcano, seashore, cliff, coral reef
"""
PLACES = ("desk", "window", "garden", "street")

SIGHTS = tuple(
    f"{thing}, {PLACES[place % len(PLACES)]}"
    for place, thing in enumerate(THINGS.strip().replace("\n", " ").split(", "))
)
"""Different things, each somewhere."""
