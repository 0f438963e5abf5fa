"""What became of the notifications that were accepted through bulk: what the API says of them, and what FCM's simulator has seen."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import requests

from tests.load.caller import Caller
from tests.load.errors import LoadError
from tests.load.record import Record
from tests.load.traffic import path_of

TIMEOUT_SECONDS = 60.0
IDS_A_CALL = 100
TAG = "android_tag"
"""Every message carries its notification's id in it, a repeated one the same again."""


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Notifications to single devices at an instant (seconds since the epoch): accepted through bulk, and of these delivered, each counted once."""

    at: float
    accepted: int
    delivered: int
    repeats: int


def look(caller: Caller, record: Record) -> Arrivals:
    """Count what was accepted and delivered until now; by the simulator's record where there is one, by the API's elsewhere."""
    with requests.Session() as session:
        session.headers.update(caller.headers)
        try:
            seen = _seen(session, caller.simulator_url, record) if caller.simulator_url else None
            counts = _counts(session, caller.url, record.bulk)
        except requests.RequestException as error:
            raise LoadError(f"Nobody says what was delivered: {error}") from None
    accepted, sent = (sum(count[name] for count in counts) for name in ("targeted", "sent"))
    # The clock is read last: what arrives while we ask counts, and so does the time that asking takes.
    return Arrivals(time.time(), accepted, *(seen or (sent, 0)))


def look_until_all_arrived(caller: Caller, record: Record, patience_seconds: float) -> tuple[Arrivals, Arrivals]:
    """What had arrived at the end, and after waiting for what had not."""
    first = last = look(caller, record)
    while last.delivered < last.accepted and last.at - first.at < patience_seconds:
        time.sleep(1.0)
        last = look(caller, record)
    return first, last


def _counts(session: requests.Session, url: str, ids: Sequence[str]) -> list[dict[str, int]]:
    method, path = path_of("statuses")
    found: list[dict[str, int]] = []
    for start in range(0, len(ids), IDS_A_CALL):
        asked = list(ids[start : start + IDS_A_CALL])
        answer = session.request(method, url + path, json={"ids": asked}, timeout=TIMEOUT_SECONDS)
        answer.raise_for_status()
        found += [item["counts"] for item in answer.json()["items"]]
    return found


def _seen(session: requests.Session, simulator: str, record: Record) -> tuple[int, int]:
    """How many messages of these notifications FCM accepted, each device and notification counted once, and how many it accepted again."""
    ours, distinct, accepted = set(record.bulk), 0, Counter[str]()
    for row in _targets(session, simulator, record.prefix):
        tags = row["tags"].get(TAG, [])
        distinct += len(ours.intersection(tags))
        accepted.update(all=row["accepted"], once=len(tags))
    return distinct, accepted["all"] - accepted["once"]


def _targets(session: requests.Session, simulator: str, prefix: str) -> Iterator[dict[str, Any]]:
    after: int | None = 0
    while after is not None:
        query = {"prefix": prefix, "after": str(after)}
        answer = session.get(f"{simulator}/_sim/targets", params=query, timeout=TIMEOUT_SECONDS)
        answer.raise_for_status()
        page = answer.json()
        yield from page["targets"]
        after = page["next"]
