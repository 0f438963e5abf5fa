"""The tasks of `fanout`: what their bodies hold, and nothing else is taken for one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from fanfare.domain.event_cursor import EventPlace, before
from fanfare.domain.identifiers import is_identifier
from fanfare.domain.webhook_replay import Replay

MOST_DEVICES = 1_000
LONGEST_POSITION = 256


@dataclass(frozen=True, slots=True)
class Task:
    """What a task asks for: its work (`web/fanout.py` names each), and of what.

    Topics are those of devices; without devices, the deletion of topics goes on. `after` is where an earlier task of the same work has stopped.
    """

    work: str
    tenant: str
    notification_id: str = ""
    device_ids: tuple[str, ...] = ()
    day: date | None = None
    after: str | None = None
    replay: Replay | None = None


def parse_task(content: object) -> Task | None:
    """Read what a task asks for; None for anything that no task of ours holds."""
    if not isinstance(content, dict) or not _is_id(content.get("tenant")):
        return None
    work = content.get("work")
    if not isinstance(work, str) or work not in _READ:
        return None
    details = _READ[work](content)
    return Task(work, content["tenant"], **details) if details is not None else None


_Content = dict[str, Any]
"""A task's body."""


def _read_notification(content: _Content) -> _Content | None:
    return {"notification_id": content["notification"]} if _is_id(content.get("notification")) else None


def _read_devices(content: _Content) -> _Content | None:
    return {"device_ids": tuple(content["devices"])} if _are_ids(content.get("devices")) else None


def _read_position(content: _Content) -> _Content | None:
    after = content.get("after")
    return {"after": after} if after is None or (isinstance(after, str) and len(after) <= LONGEST_POSITION) else None


def _read_day(content: _Content) -> _Content | None:
    position = _read_position(content)
    try:
        return {"day": date.fromisoformat(content["day"]), **position} if position is not None else None
    except (KeyError, TypeError, ValueError):
        return None


def _read_replay(content: _Content) -> _Content | None:
    webhook_id, last = content.get("webhook"), content.get("event")
    try:
        after, until, asked_at = (datetime.fromisoformat(content[name]) for name in ("after", "until", "asked_at"))
    except (KeyError, TypeError, ValueError):
        return None
    if not isinstance(webhook_id, str) or not isinstance(last, str) or None in {after.tzinfo, until.tzinfo, asked_at.tzinfo}:
        return None
    place = EventPlace(after, last)
    is_place = is_identifier(last) or place == before(after)
    return {"replay": Replay(content["tenant"], webhook_id, place, until, asked_at)} if is_identifier(webhook_id) and is_place else None


_READ: Mapping[str, Callable[[_Content], _Content | None]] = {
    "notification": _read_notification,
    "topics": _read_devices,
    "audience": lambda _: {},
    "cleanup": lambda _: {},
    "keepalive": lambda _: {},
    "tally": _read_position,
    "receipts": lambda _: {},
    "recomputation": _read_day,
    "replay": _read_replay,
}
"""What each work's body holds beside the tenant."""


def _is_id(value: object) -> bool:
    return isinstance(value, str) and is_identifier(value)


def _are_ids(value: object) -> bool:
    return isinstance(value, list) and len(value) <= MOST_DEVICES and all(_is_id(item) for item in value)
