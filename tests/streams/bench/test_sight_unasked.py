import pytest

from streams.bench.sight_unasked import Waited, unasked
from streams.train.sample import Reply
from streams.unasked_replies import UnaskedReply

S = 1_000_000


def waited(due=(), said=(), topic="alert", stood_s=1_800, understood=True):
    replies = tuple(Reply(round(at_s * S), "A dog.", ("dog",)) for at_s in due)
    spoken = tuple(UnaskedReply(round(at_s * S), text) for at_s, text in said)
    return Waited(topic, "Tell me when you see a dog.", understood, stood_s * S, replies, spoken)


@pytest.mark.parametrize(
    ("due", "said", "pairs"),
    [
        ([10], [12], [(10, 12)]),
        ([10], [12.1], []),
        ([10], [8], []),
        ([10], [10], [(10, 10)]),
        ([10], [9, 10.5], [(10, 10.5)]),
        ([10], [10.5, 11], [(10, 10.5)]),
        ([10, 11], [10.4], [(10, 10.4)]),
        ([10, 13], [11.5, 12, 14], [(10, 11.5), (13, 14)]),
        ([], [5], []),
    ],
)
def test_each_reply_has_at_most_one_thing_said_within_two_seconds_after_it_was_due(due, said, pairs):
    found = waited(due, [(at_s, "") for at_s in said]).matches()
    assert [(reply.at_us / S, said.at_us / S) for reply, said in found] == pairs


def test_what_is_said_before_it_is_due_is_told_as_early():
    (row,) = unasked(
        [waited([10, 20], [(8, "A dog."), (9.5, ""), (10, ""), (17.9, ""), (40, "")])], speaks=True
    ).rows
    assert row["recall"] == 0.5
    assert row["early"] == 2
    assert row["false_alarms"] == 8  # in half an hour, the early ones among them


def test_precision_recall_delay_and_false_alarms():
    report = unasked(
        [
            waited([10, 50], [(11, "A dog!"), (30, "A dog."), (51.5, "A cat.")]),
            waited([20], (), understood=False),
            waited([5], [(5, "Dog")], topic="narration"),
        ],
        speaks=True,
    )
    alerts, narrations, everything = report.rows
    assert (alerts["requests"], alerts["due"], alerts["said"]) == (2, 3, 3)
    assert alerts["precision"] == pytest.approx(2 / 3)
    assert alerts["recall"] == pytest.approx(2 / 3)
    assert alerts["f1"] == pytest.approx(2 / 3)
    assert alerts["delay_s"] == pytest.approx(1.25)
    assert alerts["right"] == 0.5
    assert alerts["false_alarms"] == 1  # in two half hours
    assert alerts["understood"] == 0.5
    assert narrations["f1"] == 1
    assert everything["due"] == 4
    assert everything["low"] <= everything["f1"] <= everything["high"]
    assert len(report.notes) == 1


def test_silence_where_nothing_is_due_is_neither_right_nor_wrong():
    (row,) = unasked([waited()], speaks=True).rows
    assert (row["precision"], row["recall"], row["f1"], row["false_alarms"]) == (None, None, None, 0)
