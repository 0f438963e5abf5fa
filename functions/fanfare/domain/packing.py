"""Five hundred rows in one blob: columns of JSON behind a format byte.

Reading 500 device documents costs a hundred times the CPU of reading one packed blob, and five hundred times the money (docs/performance.md).
Columns rather than rows: names are written once, a value that all rows share is written once, and the decoder builds few objects. The reader
takes the current and the previous format.

Rows that are all told the same are of format 1, which an instance of the version before this one reads too; format 2 adds who is told what.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from fanfare.domain.content import Content
from fanfare.domain.content_format import contents_from_json, contents_to_json
from fanfare.domain.message import Platform, TargetKind
from fanfare.domain.outcome import Outcome, Result
from fanfare.domain.recipient import Recipient
from fanfare.domain.target import Target

RECIPIENTS_FORMAT = 1
CONTENTS_FORMAT = 2
RESULTS_FORMAT = 1
ALL = "all"
_KEY, _TOLD = "id", "told"


class UnknownFormat(ValueError):
    """The blob was written by a version of the code that this one does not know."""


def pack_recipients(recipients: Iterable[Recipient]) -> bytes:
    """Pack rows in their order."""
    rows = tuple(recipients)
    columns: dict[str, list[Any]] = {
        "id": [row.device_id for row in rows], "kind": [row.target.kind for row in rows], "target": [row.target.value for row in rows],
        "platform": [row.platform for row in rows], "locale": [row.locale for row in rows], "username": [row.username for row in rows],
    }  # fmt: skip
    told = [row.content for row in rows]
    if not any(told):
        return _pack(RECIPIENTS_FORMAT, columns)
    places: dict[Content | None, int | None] = {None: None}
    columns["content"] = [places.setdefault(content, len(places) - 1) for content in told]
    return _pack(CONTENTS_FORMAT, columns, contents_to_json(content for content in places if content is not None))


def unpack_recipients(blob: bytes) -> tuple[Recipient, ...]:
    """Unpack what `pack_recipients` packed."""
    columns = _unpack((RECIPIENTS_FORMAT, CONTENTS_FORMAT), blob)
    zipped = zip(columns["id"], columns["kind"], columns["target"], columns["platform"], columns["locale"], columns["username"], strict=True)
    rows = tuple(
        Recipient(device_id, Target(_KINDS[kind], target), _PLATFORMS[platform], locale, username)
        for device_id, kind, target, platform, locale, username in zipped
    )
    return rows if blob[0] == RECIPIENTS_FORMAT else _told(rows, columns)


def _told(rows: Iterable[Recipient], columns: Mapping[str, Any]) -> tuple[Recipient, ...]:
    contents = contents_from_json(columns[_TOLD])
    pairs = zip(rows, columns["content"], strict=True)
    return tuple(row if place is None else row._replace(content=contents[place]) for row, place in pairs)


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
    columns = _unpack((RESULTS_FORMAT,), blob)
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


def _pack(version: int, columns: Mapping[str, list[Any]], told: Mapping[str, Any] | None = None) -> bytes:
    packed: dict[str, Any] = {name: values if name == _KEY else _shared(values) for name, values in columns.items()}
    if told is not None:
        packed[_TOLD] = told
    return bytes([version]) + json.dumps(packed, separators=(",", ":"), ensure_ascii=False).encode("utf-8")


def _shared(values: list[Any]) -> list[Any] | dict[str, Any]:
    """A column; one whose values are all the same is that value under ALL."""
    return {ALL: values[0]} if values and values.count(values[0]) == len(values) else values


def _unpack(versions: Collection[int], blob: bytes) -> Mapping[str, Any]:
    if not blob or blob[0] not in versions:
        raise UnknownFormat(f"format {blob[0] if blob else 'none'} is not {' or '.join(map(str, versions))}")
    packed: Mapping[str, Any] = json.loads(blob[1:])
    rows = len(packed[_KEY])
    return {name: [values[ALL]] * rows if isinstance(values, dict) and name != _TOLD else values for name, values in packed.items()}
