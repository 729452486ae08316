"""The service's own numbers, asked for when the metrics are read."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, Metric

from gateway.service import Service
from streams.errors import StreamsError
from streams.log import get_logger

log = get_logger(__name__)


class ServiceCollector:
    """A collector of prometheus-client."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def describe(self) -> Iterator[Metric]:
        """The metrics without values, so that registering asks nothing of the service."""
        yield _waits()
        yield _memory()

    def collect(self) -> Iterator[Metric]:
        """Memory is left out, and the log says why, while the store cannot tell."""
        waits = _waits()
        for worker, wait_s in self._service.worker_waits_s().items():
            waits.add_metric([worker], wait_s)
        yield waits
        memory = _memory()
        try:
            nbytes = self._service.memory_bytes()
        except StreamsError as error:
            log.warning("memory_not_measured", error=error.message)
            return
        for tier, size in nbytes.items():
            memory.add_metric([tier], size)
        yield memory


def _waits() -> GaugeMetricFamily:
    return GaugeMetricFamily(
        "streams_worker_wait_seconds", "How long work waits for a thread that runs models", labels=["worker"]
    )


def _memory() -> GaugeMetricFamily:
    return GaugeMetricFamily("streams_memory_bytes", "What sessions' memories take", labels=["tier"])
