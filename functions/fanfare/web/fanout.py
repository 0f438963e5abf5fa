"""The surface of `fanout`: work that one task can't say in a few words, because it is of a whole broadcast or of a whole audience."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from flask import Flask, Response, g, jsonify, request

from fanfare.domain.chunk import Busy
from fanfare.ports import Deps
from fanfare.services.clean_up import clean_up
from fanfare.services.compact_audience import compact_audience
from fanfare.services.fan_out import fan_out
from fanfare.services.ping_devices import ping_tenant
from fanfare.services.recompute_day import recompute_day
from fanfare.services.replay_events import go_on_replaying
from fanfare.services.roll_up_receipts import roll_up_receipts
from fanfare.services.sync_topics import sync_topics
from fanfare.services.tally_notifications import tally_notifications
from fanfare.web.fanout_tasks import Task, parse_task
from fanfare.web.internal import build_internal, busy


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


def _recompute(deps: Deps, task: Task, request_id: str) -> object:
    return recompute_day(deps, task.tenant, task.day, request_id, task.after) if task.day is not None else None


def _replay(deps: Deps, task: Task, request_id: str) -> object:
    return go_on_replaying(deps, task.replay, request_id) if task.replay is not None else None


_PERFORM: Mapping[str, Callable[[Deps, Task, str], object]] = {
    "notification": lambda deps, task, request_id: fan_out(deps, task.tenant, task.notification_id, request_id),
    "topics": lambda deps, task, request_id: sync_topics(deps, task.tenant, task.device_ids, request_id),
    "audience": lambda deps, task, request_id: compact_audience(deps, task.tenant, request_id),
    "cleanup": lambda deps, task, request_id: clean_up(deps, task.tenant, request_id),
    "keepalive": lambda deps, task, request_id: ping_tenant(deps, task.tenant, request_id),
    "tally": lambda deps, task, request_id: tally_notifications(deps, task.tenant, request_id, task.after),
    "receipts": lambda deps, _, request_id: roll_up_receipts(deps, request_id),
    "recomputation": _recompute,
    "replay": _replay,
}
"""What does each work."""
