"""The surface of `webhook`: deliver the event that a task names to the endpoint that it names."""

from __future__ import annotations

from flask import Flask, Response, g, jsonify, request

from fanfare.domain.chunk import Busy
from fanfare.domain.identifiers import is_identifier
from fanfare.domain.webhook_delivery import DeliveryKey
from fanfare.ports import Deps
from fanfare.services.deliver_event import deliver_event
from fanfare.web.internal import build_internal, busy


def build_webhook(deps: Deps) -> Flask:
    """Build the app of the `webhook` function."""

    def act() -> Response:
        key = parse_task(request.get_json(force=True, silent=True))
        if key is None:
            name = request.headers.get("X-CloudTasks-TaskName", "")[:200]
            deps.poison.record("webhook", name, "names_no_delivery", deps.clock.now())
            deps.log.warning("poison_task", task=name)
            return jsonify({"result": "refused"})
        outcome = deliver_event(deps, key, g.request_id)
        return busy(outcome.retry_after_seconds) if isinstance(outcome, Busy) else jsonify({"result": "finished"})

    return build_internal(deps, "webhook", act)


def parse_task(content: object) -> DeliveryKey | None:
    """Read which delivery a task is about; None for anything that no task of ours holds."""
    if not isinstance(content, dict):
        return None
    tenant, webhook, event = content.get("tenant"), content.get("webhook"), content.get("event")
    if not (isinstance(tenant, str) and isinstance(webhook, str) and isinstance(event, str)):
        return None
    return DeliveryKey(tenant, webhook, event) if all(map(is_identifier, (tenant, webhook, event))) else None
