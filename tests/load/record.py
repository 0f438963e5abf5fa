"""What the traffic was, as `locustfile.py` has written it down."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.load.errors import LoadError


@dataclass(frozen=True, slots=True)
class Kind:
    """All requests of a kind; percentiles in milliseconds, None where nothing was answered."""

    request: str
    requests: int
    errors: int
    p50: float | None
    p95: float | None
    p99: float | None


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong, and how often."""

    request: str
    says: str
    times: int


@dataclass(frozen=True, slots=True)
class Record:
    """One run: whom it could reach, when it began (seconds since the epoch), which notifications were accepted through bulk, and all requests."""

    prefix: str
    crowd: int
    crowd_seconds: float
    began_at: float
    bulk: Sequence[str]
    kinds: Sequence[Kind]
    errors: Sequence[Failure]


def read_record(file: Path) -> Record:
    """Read the record; LoadError where there is none."""
    try:
        written = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise LoadError("locust has left no record.") from None
    kinds = [Kind(**kind) for kind in written.pop("kinds")]
    return Record(**written | {"kinds": kinds, "errors": [Failure(**error) for error in written["errors"]]})
