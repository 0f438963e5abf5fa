"""The surface of `send`: deliver the chunk that a task names."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Flask, Response, g, jsonify, request

from fanfare.domain.chunk import Busy, ChunkKey, ChunkTask, Finished
from fanfare.domain.identifiers import is_identifier
from fanfare.ports import Deps
from fanfare.services.deliver_chunk import deliver_chunk, deliver_task
from fanfare.web.internal import build_internal, busy

MOST_CHUNKS = 10_000_000
"""Chunk numbers are below this: each instant of a local time has a hundred thousand of its own."""
LATEST_SLOT = datetime(2200, 1, 1, tzinfo=UTC).timestamp()
MOST_GENERATIONS = 1_000_000
MOST_MOVES = 100


def build_send(deps: Deps) -> Flask:
    """Build the app of the `send` function."""

    def act() -> Response:
        task = parse_task(request.get_json(force=True, silent=True))
        if task is None:
            name = request.headers.get("X-CloudTasks-TaskName", "")[:200]
            deps.poison.record("send", name, "names_no_chunk", deps.clock.now())
            deps.log.warning("poison_task", task=name)
            return jsonify({"result": "refused"})
        outcome = _deliver(deps, task)
        return busy(outcome.retry_after_seconds) if isinstance(outcome, Busy) else jsonify({"result": "finished"})

    return build_internal(deps, "send", act)


def _deliver(deps: Deps, task: ChunkKey | ChunkTask) -> Busy | Finished:
    return deliver_chunk(deps, task, g.request_id) if isinstance(task, ChunkKey) else deliver_task(deps, task, g.request_id)


def parse_task(content: object) -> ChunkKey | ChunkTask | None:
    """Read which chunk a task is about, and its slot if it is one of many; None for anything that no task of ours holds."""
    if not isinstance(content, dict):
        return None
    tenant, notification, number = content.get("tenant"), content.get("notification"), content.get("chunk")
    if not isinstance(tenant, str) or not isinstance(notification, str) or not isinstance(number, int) or not _is_number(number, MOST_CHUNKS):
        return None
    if not (is_identifier(tenant) and is_identifier(notification)):
        return None
    key = ChunkKey(tenant, notification, number)
    return _in_slot(key, content) if "slot" in content else key


def _in_slot(key: ChunkKey, content: dict[str, Any]) -> ChunkTask | None:
    slot, generation, moves = content["slot"], content.get("generation"), content.get("moves", 0)
    known_form = (
        isinstance(slot, int | float)
        and not isinstance(slot, bool)
        and 0 <= slot < LATEST_SLOT
        and (generation is None or _is_number(generation, MOST_GENERATIONS))
        and _is_number(moves, MOST_MOVES)
    )
    return ChunkTask(key, datetime.fromtimestamp(slot, UTC), generation, moves) if known_form else None


def _is_number(value: Any, below: int) -> bool:  # noqa: ANN401 - whatever JSON holds
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < below
