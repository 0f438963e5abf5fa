"""Five hundred rows in one blob: columns of JSON behind a format byte.

Reading 500 device documents costs a hundred times the CPU of reading one packed blob, and five hundred times the money (docs/performance.md).
Columns rather than rows: names are written once, a value that all rows share is written once, and the decoder builds few objects. The reader
takes the current and the previous format.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from fanfare.domain.message import Platform, TargetKind
from fanfare.domain.outcome import Outcome, Result
from fanfare.domain.recipient import Recipient
from fanfare.domain.target import Target

RECIPIENTS_FORMAT = 1
RESULTS_FORMAT = 1
ALL = "all"
_KEY = "id"


class UnknownFormat(ValueError):
    """The blob was written by a version of the code that this one does not know."""


def pack_recipients(recipients: Iterable[Recipient]) -> bytes:
    """Pack rows in their order."""
    rows = tuple(recipients)
    return _pack(RECIPIENTS_FORMAT, {
        "id": [row.device_id for row in rows], "kind": [row.target.kind for row in rows], "target": [row.target.value for row in rows],
        "platform": [row.platform for row in rows], "locale": [row.locale for row in rows], "username": [row.username for row in rows],
    })  # fmt: skip


def unpack_recipients(blob: bytes) -> tuple[Recipient, ...]:
    """Unpack what `pack_recipients` packed."""
    columns = _unpack(RECIPIENTS_FORMAT, blob)
    zipped = zip(columns["id"], columns["kind"], columns["target"], columns["platform"], columns["locale"], columns["username"], strict=True)
    return tuple(
        Recipient(device_id, Target(_KINDS[kind], target), _PLATFORMS[platform], locale, username)
        for device_id, kind, target, platform, locale, username in zipped
    )


def pack_results(results: Mapping[str, Result]) -> bytes:
    """Pack results by device id."""
    rows = results.values()
    return _pack(RESULTS_FORMAT, {
        "id": list(results), "outcome": [row.outcome for row in rows], "detail": [row.detail for row in rows],
        "http": [row.http_status for row in rows], "attempts": [row.attempts for row in rows],
        "platform": [row.platform for row in rows], "username": [row.username for row in rows],
        "due": [_seconds(row.due_at) for row in rows], "since": [_seconds(row.since) for row in rows], "dead": [row.dead_letter for row in rows],
    })  # fmt: skip


def unpack_results(blob: bytes) -> dict[str, Result]:
    """Unpack what `pack_results` packed."""
    columns = _unpack(RESULTS_FORMAT, blob)
    rows = zip(*(columns[name] for name in _RESULT_COLUMNS), strict=True)
    return {
        device_id: Result(_OUTCOMES[outcome], detail, http_status, attempts, _PLATFORMS[platform], username, _instant(due), _instant(since), dead)
        for device_id, outcome, detail, http_status, attempts, platform, username, due, since, dead in rows
    }


_RESULT_COLUMNS = ("id", "outcome", "detail", "http", "attempts", "platform", "username", "due", "since", "dead")
_KINDS = {kind.value: kind for kind in TargetKind}
_PLATFORMS: dict[str | None, Platform | None] = {None: None, **{platform.value: platform for platform in Platform}}
_OUTCOMES = {outcome.value: outcome for outcome in Outcome}


def _seconds(at: datetime | None) -> float | None:
    return at.timestamp() if at is not None else None


def _instant(seconds: float | None) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds is not None else None


def _pack(version: int, columns: Mapping[str, list[Any]]) -> bytes:
    packed = {name: values if name == _KEY else _shared(values) for name, values in columns.items()}
    return bytes([version]) + json.dumps(packed, separators=(",", ":"), ensure_ascii=False).encode("utf-8")


def _shared(values: list[Any]) -> list[Any] | dict[str, Any]:
    """A column; one whose values are all the same is that value under ALL."""
    return {ALL: values[0]} if values and values.count(values[0]) == len(values) else values


def _unpack(version: int, blob: bytes) -> Mapping[str, list[Any]]:
    if not blob or blob[0] != version:
        raise UnknownFormat(f"format {blob[0] if blob else 'none'} is not {version}")
    packed: Mapping[str, Any] = json.loads(blob[1:])
    rows = len(packed[_KEY])
    return {name: [values[ALL]] * rows if isinstance(values, dict) else values for name, values in packed.items()}
