"""What is counted, event by event."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from gateway.server.metrics import MAX_CODES, OTHER, STAGES, Metrics
from streams.conversation import SessionOptions
from streams.errors import OverloadError
from streams.events import (
    AudioDelta,
    FramesDropped,
    FrameSeen,
    InputCommitted,
    MemoryReported,
    OutputHeld,
    OutputResumed,
    ResponseDone,
    SessionFailed,
    StageTimes,
)
from streams.types import AudioChunk


def read(metrics):
    """Every sample as Prometheus reads it, by name and labels."""
    samples = {}
    for family in text_string_to_metric_families(metrics.render().decode()):
        for sample in family.samples:
            key = (sample.name, *sorted(sample.labels.items()))
            assert key not in samples
            samples[key] = sample.value
    return samples


def done(status="completed", reason=None, **times):
    options = SessionOptions()
    return ResponseDone("resp", status, reason, None, options, True, 3, 2, 1, StageTimes(**times))


def changed(before, after):
    return {
        key: after[key] - before.get(key, 0.0)
        for key in after
        if after[key] != before.get(key, 0.0)
        and not key[0].startswith("process_")
        and "created" not in key[0]
    }


@pytest.mark.parametrize(
    ("event", "counts"),
    [
        (InputCommitted("item", None), {("streams_turns_total",): 1}),
        (
            AudioDelta("resp", "item", AudioChunk(0, 24_000, np.zeros(12_000, np.float32))),
            {("streams_audio_out_seconds_total",): 0.5},
        ),
        (FrameSeen(0, "cat"), {("streams_frames_seen_total",): 1}),
        (
            FrameSeen(0, "cat", tokens=3, saved=5),
            {
                ("streams_frames_seen_total",): 1,
                ("streams_visual_tokens_total", ("outcome", "read")): 3,
                ("streams_visual_tokens_total", ("outcome", "saved")): 5,
            },
        ),
        (
            FramesDropped(3, 8, "overload"),
            {("streams_frames_dropped_total", ("reason", "overload")): 3},
        ),
        (
            MemoryReported("damaged", 5, "five"),
            {("streams_memory_problems_total", ("problem", "damaged")): 1},
        ),
        (OutputHeld("resp"), {}),
        (OutputResumed("resp", "echo"), {("streams_false_alarms_total", ("reason", "echo")): 1}),
        (
            SessionFailed(OverloadError("busy")),
            {("streams_session_errors_total", ("code", "overloaded")): 1},
        ),
        (
            done("cancelled", "turn_detected"),
            {("streams_responses_total", ("status", "cancelled")): 1, ("streams_interruptions_total",): 1},
        ),
        (done("cancelled", "client_cancelled"), {("streams_responses_total", ("status", "cancelled")): 1}),
    ],
)
def test_each_event_counts_once_and_nothing_else(event, counts):
    metrics = Metrics()
    before = read(metrics)
    metrics.observe(event)
    assert changed(before, read(metrics)) == pytest.approx(counts)


def test_each_stage_that_happened_is_in_its_histogram():
    metrics = Metrics()
    metrics.observe(done(first_token_ms=400.0, total_ms=1_100.0))
    samples = read(metrics)
    for stage in STAGES.values():
        count = 1 if stage in ("first_token", "total") else 0
        assert samples["streams_stage_seconds_count", ("stage", stage)] == count
    assert samples["streams_stage_seconds_sum", ("stage", "total")] == pytest.approx(1.1)
    assert samples["streams_stage_seconds_bucket", ("le", "0.4"), ("stage", "first_token")] == 1
    assert samples["streams_stage_seconds_bucket", ("le", "0.3"), ("stage", "first_token")] == 0


def test_what_may_happen_is_there_at_0_before_it_does():
    samples = read(Metrics())
    for status in ("completed", "cancelled", "failed", "incomplete"):
        assert samples["streams_responses_total", ("status", status)] == 0
    assert samples["streams_frames_dropped_total", ("reason", "overload")] == 0
    assert samples["streams_false_alarms_total", ("reason", "backchannel")] == 0


def test_sessions_that_run_and_those_that_were():
    metrics = Metrics()
    metrics.session_opened()
    metrics.session_opened()
    metrics.session_closed()
    metrics.session_refused("full")
    metrics.slow_client()
    metrics.watch_outboxes(lambda: 17)
    samples = read(metrics)
    assert samples["streams_sessions_open",] == 1
    assert samples["streams_sessions_total",] == 2
    assert samples["streams_sessions_refused_total", ("reason", "full")] == 1
    assert samples["streams_slow_clients_total",] == 1
    assert samples["streams_outbox_bytes",] == 17


@given(st.lists(st.text(max_size=8) | st.from_regex(r"[a-z]{3}", fullmatch=True), max_size=200))
def test_codes_never_make_more_series_than_that(codes):
    metrics = Metrics()
    for code in codes:
        metrics.request_failed(code)
    samples = read(metrics)
    counted = {key[1][1]: value for key, value in samples.items() if key[0] == "streams_client_errors_total"}
    assert sum(counted.values()) == len(codes)
    assert len(counted) <= MAX_CODES + 1
    assert all(code.isascii() for code in counted)


def test_past_the_last_code_the_rest_is_counted_together():
    metrics = Metrics()
    for number in range(MAX_CODES + 5):
        metrics.request_failed(f"code_{number}")
    assert read(metrics)["streams_client_errors_total", ("code", OTHER)] == 5


def test_the_service_is_asked_when_the_metrics_are_read(service):
    metrics = Metrics(service)
    service.waits_s = {"llm": 0.25}
    service.nbytes = {"ram": 7, "disk": 9}
    samples = read(metrics)
    assert samples["streams_worker_wait_seconds", ("worker", "llm")] == 0.25
    assert samples["streams_memory_bytes", ("tier", "ram")] == 7
    assert samples["streams_memory_bytes", ("tier", "disk")] == 9
    service.disk_problem = "gone"
    samples = read(metrics)
    assert not [key for key in samples if key[0] == "streams_memory_bytes"]
    assert samples["streams_worker_wait_seconds", ("worker", "llm")] == 0.25
