"""Spoiled messages against the gateway, and the judge that finds what it does wrong."""

import asyncio
import json
import random
from collections import Counter

import numpy as np
import pytest

from gateway.assembly import Streams
from streams.bench.fuzz import fuzz, fuzz_config, report
from streams.bench.fuzz_corpus import Corpus, Seed
from streams.bench.fuzz_mutation import MUTATIONS, Case, spoil, unspoiled
from streams.bench.fuzz_oracle import complaint_about, event_id_in
from streams.errors import StreamsError

MESSAGES = 10_000
VOICE = np.random.default_rng(0).normal(0, 0.1, 24_000).astype(np.float32)


@pytest.fixture(scope="module")
def findings(streams):
    service = Streams(fuzz_config(streams.config), streams.backend)
    return asyncio.run(fuzz(service, MESSAGES, seed=0))


def test_each_wrong_message_gets_its_error_and_the_sessions_go_on(findings):
    assert findings.complaints == []
    assert findings.sent.total() == MESSAGES
    assert findings.sessions == MESSAGES / 1_000


def test_every_mutation_was_tried_and_most_were_refused(findings):
    names = {mutation.__name__.strip("_") for mutation in MUTATIONS} | {"binary", "none"}
    assert set(findings.sent) == names
    assert all(findings.refused[name] for name in names)
    assert findings.refused.total() > MESSAGES / 2
    assert len(findings.codes) > 12


def test_the_report_adds_up(findings):
    *rows, total = report(findings, seed=0).rows
    for column in ("messages", "refused", "taken"):
        assert sum(row[column] for row in rows) == total[column]
    assert total["messages"] == MESSAGES


def test_where_no_session_can_be_opened_it_ends_and_says_so(streams, monkeypatch):
    service = Streams(fuzz_config(streams.config), streams.backend)

    async def nobody(*args, **options):
        raise StreamsError("nobody gets in")

    monkeypatch.setattr(service, "open_session", nobody)
    found = asyncio.run(fuzz(service, 10, seed=0))
    assert found.sent.total() == 0
    assert found.complaints


def cases(seed, count=300):
    rng = random.Random(seed)
    corpus = Corpus(rng, VOICE)
    return [spoil(corpus.draw(), rng) for _ in range(count)]


def test_the_same_seed_makes_the_same_messages():
    assert cases(1) == cases(1)
    assert cases(1) != cases(2)


def test_seeds_are_of_every_kind():
    rng = random.Random(0)
    drawn = [Corpus(rng, VOICE).draw() for _ in range(300)]
    kinds = Counter("binary" if isinstance(each.message, bytes) else each.message["type"] for each in drawn)
    assert len(kinds) == 14


def event(kind="session.updated", **fields):
    return {"type": kind, "event_id": "event_1", **fields}


def error(code="invalid_value", message="It is wrong.", param=None, event_id=None, **more):
    detail = {"type": "invalid_request_error", "code": code, "message": message, "param": param}
    return event("error", error=detail | {"event_id": event_id} | more)


UPDATE = Seed({"type": "session.update", "session": {}, "event_id": "mine"}, "session.updated")
COMMIT = Seed({"type": "input_audio_buffer.commit"}, "input_audio_buffer.committed", frozenset({"empty"}))


def wrong(message):
    return Case("spoiled", message if isinstance(message, bytes) else json.dumps(message), "wrong", UPDATE)


@pytest.mark.parametrize(
    ("case", "events"),
    [
        (unspoiled(UPDATE), [event("response.done"), event()]),
        (unspoiled(COMMIT), [error("empty")]),
        (wrong({"event_id": "mine"}), [error(event_id="mine"), event("response.done")]),
        (wrong({"event_id": 7}), [error()]),
        (wrong({"event_id": "x" * 513}), [error()]),
        (wrong(b"\0"), [error("invalid_frame")]),
        (Case("spoiled", '{"event_id": "mine"', "wrong", UPDATE), [error("invalid_json")]),
        (Case("spoiled", "{}", "either", UPDATE), []),
        (Case("spoiled", "{}", "either", UPDATE), [error()]),
    ],
)
def test_what_a_server_may_do(case, events):
    assert complaint_about(case, events) is None


@pytest.mark.parametrize(
    ("case", "events", "complaint"),
    [
        (unspoiled(UPDATE), [], "no session.updated"),
        (unspoiled(UPDATE), [error(event_id="mine"), event()], "a right message got an error"),
        (unspoiled(COMMIT), [error("full")], "a right message got an error"),
        (wrong({}), [event()], "no error"),
        (wrong({}), [error(), error()], "2 errors"),
        (wrong({"event_id": "mine"}), [error()], "not 'mine'"),
        (wrong({}), [error(event_id="mine")], "not None"),
        (wrong({}), [error("internal_error")], "internal_error"),
        (wrong({}), [error("")], "the code ''"),
        (wrong({}), [error(message="")], "the message ''"),
        (wrong({}), [error(param=7)], "the param 7"),
        (wrong({}), [error(message="x" * 5_000)], "5000 characters"),
        (wrong({}), [error(colour="red")], "the fields"),
        (Case("spoiled", "{}", "either", UPDATE), [error(), error()], "2 errors"),
    ],
)
def test_what_a_server_may_not_do(case, events, complaint):
    assert complaint in complaint_about(case, events)


def test_only_a_well_formed_message_has_an_id():
    assert event_id_in('{"event_id": "mine"}') == "mine"
    for text in (
        '{"event_id": "mine", "x": NaN}',
        '["event_id"]',
        '{"event_id": "mine"',
        "[" * 100_000,
        "{}",
    ):
        assert event_id_in(text) is None
