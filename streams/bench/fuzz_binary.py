"""Ways to spoil a message of the binary form."""

from __future__ import annotations

import random
import struct

from gateway.wire.binary import HEADER, BinaryKind
from streams.bench.fuzz_corpus import Spoiled


def spoil_bytes(message: bytes, rng: random.Random) -> Spoiled:
    """A message of the binary form with one thing wrong: its kind, its time, its data, or its length."""
    kind, time_us, data = BinaryKind(message[0]), message[1 : HEADER.size], message[HEADER.size :]
    sound = kind is BinaryKind.AUDIO
    other = BinaryKind.IMAGE if sound else BinaryKind.AUDIO
    at = rng.randrange(len(message))
    flipped = bytes([message[at] ^ rng.randint(1, 255)])
    return rng.choice(
        (
            (message[: rng.randrange(HEADER.size)], "wrong"),
            (bytes([rng.choice((0, 3, 127, 255))]) + message[1:], "wrong"),
            (bytes([other]) + message[1:], "wrong" if sound else "either"),
            (message[:1] + struct.pack(">Q", rng.choice((2**63, 2**64 - 2))) + data, "wrong"),
            (message[:1] + struct.pack(">Q", rng.randrange(2**40)) + data, "wrong" if sound else "either"),
            (message[:1] + time_us, "either" if sound else "wrong"),
            (message[:1] + time_us + data[: rng.randrange(len(data)) | 1], "wrong" if sound else "either"),
            (message[:at] + flipped + message[at + 1 :], "either"),
            (rng.randbytes(rng.choice((1, 9, 1_000))), "either"),
        )
    )
