"""The surface of `fanout`: work that one task can't say in a few words, because it is of a whole broadcast or of a whole audience."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import Flask, Response, g, jsonify, request

from fanfare.domain.chunk import Busy
from fanfare.domain.identifiers import is_identifier
from fanfare.ports import Deps
from fanfare.services.compact_audience import compact_audience
from fanfare.services.fan_out import fan_out
from fanfare.services.recompute_day import recompute_day
from fanfare.services.sync_topics import sync_topics
from fanfare.services.tally_notifications import tally_notifications
from fanfare.web.internal import build_internal, busy

MOST_DEVICES = 1_000
LONGEST_POSITION = 256


@dataclass(frozen=True, slots=True)
class Task:
    """What a task asks for: its work (`_PERFORM` names each), and of what.

    Topics are those of devices; without devices, the deletion of topics goes on. `after` is where an earlier task of the same work has stopped.
    """

    work: str
    tenant: str
    notification_id: str = ""
    device_ids: tuple[str, ...] = ()
    day: date | None = None
    after: str | None = None


def build_fanout(deps: Deps) -> Flask:
    """Build the app of the `fanout` function."""

    def act() -> Response:
        task = parse_task(request.get_json(force=True, silent=True))
        if task is None:
            name = request.headers.get("X-CloudTasks-TaskName", "")[:200]
            deps.poison.record("fanout", name, "names_no_work", deps.clock.now())
            deps.log.warning("poison_task", task=name)
            return jsonify({"result": "refused"})
        outcome = _PERFORM[task.work](deps, task, g.request_id)
        return busy(outcome.retry_after_seconds) if isinstance(outcome, Busy) else jsonify({"result": "finished"})

    return build_internal(deps, "fanout", act)


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


_READ: Mapping[str, Callable[[_Content], _Content | None]] = {
    "notification": _read_notification,
    "topics": _read_devices,
    "audience": lambda _: {},
    "tally": _read_position,
    "recomputation": _read_day,
}
"""What each work's body holds beside the tenant."""


def _recompute(deps: Deps, task: Task, request_id: str) -> object:
    return recompute_day(deps, task.tenant, task.day, request_id, task.after) if task.day is not None else None


_PERFORM: Mapping[str, Callable[[Deps, Task, str], object]] = {
    "notification": lambda deps, task, request_id: fan_out(deps, task.tenant, task.notification_id, request_id),
    "topics": lambda deps, task, request_id: sync_topics(deps, task.tenant, task.device_ids, request_id),
    "audience": lambda deps, task, request_id: compact_audience(deps, task.tenant, request_id),
    "tally": lambda deps, task, request_id: tally_notifications(deps, task.tenant, request_id, task.after),
    "recomputation": _recompute,
}
"""What does each work."""


def _is_id(value: object) -> bool:
    return isinstance(value, str) and is_identifier(value)


def _are_ids(value: object) -> bool:
    return isinstance(value, list) and len(value) <= MOST_DEVICES and all(_is_id(item) for item in value)
