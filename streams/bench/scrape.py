"""Reads what a gateway counts of itself, as Prometheus would."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TypeAlias
from urllib.parse import urlsplit
from urllib.request import urlopen

from prometheus_client.parser import text_string_to_metric_families

TIMEOUT_S = 30.0

Scraped: TypeAlias = dict[tuple[str, str], float]
"""Values by name and the value of the first label, "" where there is none; 0 for what is not there."""


def scrape(url: str) -> Scraped:
    """The metrics of the gateway whose WebSocket is at ``url``: by name and value of the first label.

    Waits for the answer. Raises OSError when there is none.
    """
    parts = urlsplit(url)
    scheme = "https" if parts.scheme == "wss" else "http"
    with urlopen(f"{scheme}://{parts.netloc}/metrics", timeout=TIMEOUT_S) as answer:
        text = answer.read().decode("utf-8")
    found: Scraped = defaultdict(float)
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found[sample.name, next(iter(sample.labels.values()), "")] += sample.value
    return found


def difference(after: Scraped, before: Scraped) -> Scraped:
    """What was counted in between."""
    return defaultdict(float, {key: value - before[key] for key, value in after.items()})


def labelled(found: Scraped, name: str) -> Counter[str]:
    """The values of ``name``, which are whole, by their label, without those that are 0."""
    return Counter({label: round(value) for (each, label), value in found.items() if each == name and value})
