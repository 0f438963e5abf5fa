"""A reading in Prometheus's text format, version 0.0.4: each metric with what it means, its type, and its samples."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate

from fanfare.domain.metrics import ABOVE, BOUNDS_MS, COUNTED, TIMED, TOTAL_MS, Counters, Described, Family, named
from fanfare.domain.reading import Reading

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
HELD_BY_BREAKER = Described("fanfare_tenants_breaker_open", "Tenants of whom a breaker is open: their messages wait until their project answers.")
QUARANTINED = Described("fanfare_tenants_quarantined", "Tenants in quarantine: their messages wait until somebody has looked.")
SENDING = Described("fanfare_notifications_sending", "Notifications that are being sent, at most 50 of them.")
PROGRESS = Described("fanfare_messages_sending", "Messages of the notifications that are being sent, by what they have come to so far.", "outcome")


def write_text(reading: Reading) -> str:
    """Write a reading."""
    return "".join(f"{line}\n" for line in _lines(reading))


def _lines(reading: Reading) -> Iterator[str]:
    for family, described in COUNTED.items():
        yield from _head(described, f"{described.name}_total", "counter")
        yield from _counted(family, described, reading.counters)
    for family, described in TIMED.items():
        yield from _head(described, described.name, "histogram")
        yield from _timed(family, described, reading.counters)
    for described, value in ((HELD_BY_BREAKER, reading.held.breaker_open), (QUARANTINED, reading.held.quarantined), (SENDING, reading.sending)):
        yield from _gauge(described, [({}, value)])
    yield from _gauge(PROGRESS, [({"outcome": outcome}, number) for outcome, number in reading.progress.items()])


def _head(described: Described, name: str, kind: str) -> Iterator[str]:
    meaning = described.meaning.replace("\\", "\\\\").replace("\n", "\\n")
    yield f"# HELP {name} {meaning}"
    yield f"# TYPE {name} {kind}"


def _counted(family: Family, described: Described, counters: Counters) -> Iterator[str]:
    name = f"{described.name}_total"
    if described.label is None:
        yield _sample(name, {}, counters.get(family.value, 0))
        return
    start = named(family, "")
    for key in sorted(key for key in counters if key.startswith(start)):
        yield _sample(name, {described.label: key.removeprefix(start)}, counters[key])


def _timed(family: Family, described: Described, counters: Counters) -> Iterator[str]:
    bounds = [*((str(bound), _seconds(bound)) for bound in BOUNDS_MS), (ABOVE, "+Inf")]
    sums = list(accumulate(counters.get(named(family, key), 0) for key, _ in bounds))
    for (_, bound), number in zip(bounds, sums, strict=True):
        yield _sample(f"{described.name}_bucket", {"le": bound}, number)
    yield f"{described.name}_sum {_seconds(counters.get(named(family, TOTAL_MS), 0))}"
    yield _sample(f"{described.name}_count", {}, sums[-1])


def _gauge(described: Described, samples: Iterable[tuple[Mapping[str, str], int]]) -> Iterator[str]:
    yield from _head(described, described.name, "gauge")
    for labels, number in samples:
        yield _sample(described.name, labels, number)


def _sample(name: str, labels: Mapping[str, str], value: int) -> str:
    inside = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
    return f"{name}{{{inside}}} {value}" if inside else f"{name} {value}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _seconds(millis: int) -> str:
    """Exactly, without a float's rounding."""
    whole, rest = divmod(millis, 1_000)
    return f"{whole}.{rest:03}".rstrip("0").rstrip(".") if rest else str(whole)
