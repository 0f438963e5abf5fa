"""The surface of `send`: deliver the chunk that a task names."""

from __future__ import annotations

from flask import Flask, Response, g, jsonify, request

from fanfare.domain.chunk import Busy, ChunkKey
from fanfare.domain.identifiers import is_identifier
from fanfare.ports import Deps
from fanfare.services.deliver_chunk import deliver_chunk
from fanfare.web.internal import build_internal, busy

MOST_CHUNKS = 100_000


def build_send(deps: Deps) -> Flask:
    """Build the app of the `send` function."""

    def act() -> Response:
        key = parse_task(request.get_json(force=True, silent=True))
        if key is None:
            task = request.headers.get("X-CloudTasks-TaskName", "")[:200]
            deps.poison.record("send", task, "names_no_chunk", deps.clock.now())
            deps.log.warning("poison_task", task=task)
            return jsonify({"result": "refused"})
        outcome = deliver_chunk(deps, key, g.request_id)
        return busy(outcome.retry_after_seconds) if isinstance(outcome, Busy) else jsonify({"result": "finished"})

    return build_internal(deps, "send", act)


def parse_task(content: object) -> ChunkKey | None:
    """Read which chunk a task is about; None for anything that no task of ours holds."""
    if not isinstance(content, dict):
        return None
    tenant, notification, number = content.get("tenant"), content.get("notification"), content.get("chunk")
    if not isinstance(tenant, str) or not isinstance(notification, str) or not isinstance(number, int) or isinstance(number, bool):
        return None
    known_form = is_identifier(tenant) and is_identifier(notification) and 0 <= number < MOST_CHUNKS
    return ChunkKey(tenant, notification, number) if known_form else None
