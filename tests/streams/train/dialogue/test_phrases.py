import pytest

from streams.train.dialogue.phrases import CHAT, PHRASES, expand

SPLITS = ("train", "validation", "test")
KINDS = sorted({kind for kind, _ in PHRASES})
TOPICS = ("now", "past", "colour", "place", "count", "order", "when", "text", "motion", "alert", "narration")


def test_choices_are_expanded():
    assert list(expand("a[ b|] [c|d]")) == ["a b c", "a b d", "a c", "a d"]


@pytest.mark.parametrize("kind", KINDS)
def test_no_wording_is_in_two_splits(kind):
    words = {split: {phrase.lower() for phrase in PHRASES[kind, split]} for split in SPLITS}
    assert not words["train"] & words["validation"]
    assert not words["train"] & words["test"]
    assert not words["validation"] & words["test"]
    assert all(words.values())


def test_no_question_of_talk_is_in_two_splits():
    asked = [question for split in SPLITS for question, _ in CHAT[split]]
    assert len(asked) == len(set(asked)) >= 100
    assert all(question and answer for split in SPLITS for question, answer in CHAT[split])


def test_each_topic_has_twenty_phrases_to_train_on():
    count = dict.fromkeys(TOPICS, 0)
    topics = {**dict.fromkeys(("before", "after", "at", "first", "seen", "class"), "past"), "beside": "place"}
    for kind in KINDS:
        topic = "now" if kind == "class-now" else topics.get(kind, kind.split("-")[0])
        count[topic] += len(PHRASES[kind, "train"])
    assert min(count.values()) >= 20, count


def test_phrases_are_plain_sentences():
    for phrases in PHRASES.values():
        for phrase in phrases:
            assert phrase[-1] in ".?", phrase
            assert "  " not in phrase, phrase
            assert " ?" not in phrase, phrase
            assert not set("[]|") & set(phrase), phrase
