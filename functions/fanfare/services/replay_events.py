"""Replaying stored events to a webhook: by their ids at once, by time page after page in tasks of `fanout`.

A replayed delivery has all its attempts ahead. A task that comes twice makes what was taken meanwhile due no second time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from fanfare.domain.audit import AuditEntry
from fanfare.domain.call import Call
from fanfare.domain.errors import FieldError, InvalidRequest, Unavailable
from fanfare.domain.event import StoredEvent
from fanfare.domain.event_cursor import before as place_before
from fanfare.domain.event_cursor import place_of
from fanfare.domain.webhook import Webhook
from fanfare.domain.webhook_delivery import DeliveryKey
from fanfare.domain.webhook_replay import Replay, is_replayed
from fanfare.domain.webhook_rules import host_of
from fanfare.ports import Deps
from fanfare.services.webhooks import active_webhook

PAGE = 100
"""So many events are made due together; their bodies may hold hundreds of recipients each."""
WORKING_TIME = timedelta(seconds=200)
"""A task that has worked so long asks for another one: its call is given up after 300 seconds."""


def replay_by_ids(deps: Deps, call: Call, webhook_id: str, event_ids: Sequence[str]) -> int:
    """Make these events due again for a webhook; returns how many of them are: one whose attempt is under way is not.

    NotFound, WebhookInactive; InvalidRequest names each event that there is none of, or that the webhook does not want.
    """
    webhook, now = active_webhook(deps, call.tenant, webhook_id), deps.clock.now()
    wanted = list(dict.fromkeys(event_ids))
    events = dict(zip(wanted, deps.events.get_many(call.tenant, wanted), strict=True))
    refused = [FieldError(f"event_ids.{index}", why) for index, name in enumerate(event_ids) if (why := _refusal(webhook, events[name]))]
    if refused:
        raise InvalidRequest.of(refused)
    entry = AuditEntry("webhook.replayed", call.actor, now, (webhook.id,), facts={"host": host_of(webhook.url), "events": str(len(wanted))})
    keys = deps.deliveries.replay(webhook, [event for event in events.values() if event is not None], now, call.request_id, entry)
    # A nudge that is lost is harmless: the sweep finds the delivery.
    deps.tasks.enqueue_webhooks(keys, call.request_id)
    return len(keys)


def replay_by_time(deps: Deps, call: Call, webhook_id: str, after: datetime, before: datetime | None) -> None:
    """Ask for a replay of a webhook's events from one instant to another (now, if none is given).

    NotFound, WebhookInactive, InvalidRequest; Unavailable if no task could be created.
    """
    webhook, now = active_webhook(deps, call.tenant, webhook_id), deps.clock.now()
    until = min(before or now, now)
    if after >= until:
        raise InvalidRequest.at("after", "must be past, and earlier than before")
    facts = {"host": host_of(webhook.url), "after": after.isoformat(), "before": until.isoformat()}
    deps.audit.record(call.tenant, AuditEntry("webhook.replayed", call.actor, now, (webhook.id,), facts=facts))
    if not deps.tasks.enqueue_replay(Replay(call.tenant, webhook.id, place_before(after), until, now), call.request_id):
        raise Unavailable("The replay could not be asked for.")


def go_on_replaying(deps: Deps, replay: Replay, request_id: str) -> bool:
    """Make the events of a span due again, as far as the time goes. False: it goes on in another task. A webhook that is off ends it."""
    started_at = deps.clock.now()
    while True:
        webhook = deps.webhooks.get(replay.tenant, replay.webhook_id)
        if webhook is None or not webhook.active:
            return True
        events = deps.events.read_after(replay.tenant, replay.place, replay.until, PAGE)
        _replay(deps, webhook, events, replay, request_id)
        if len(events) < PAGE:
            return True
        replay = replace(replay, place=place_of(events[-1]))
        if deps.clock.now() - started_at >= WORKING_TIME:
            break
    if not deps.tasks.enqueue_replay(replay, request_id):
        raise Unavailable("The replay could not be gone on with.")
    return False


def _replay(deps: Deps, webhook: Webhook, events: Sequence[StoredEvent], replay: Replay, request_id: str) -> None:
    wanted = [event for event in events if event.kind in webhook.events]
    keys = [DeliveryKey(replay.tenant, webhook.id, event.id) for event in wanted]
    stored = deps.deliveries.get_many(keys) if keys else ()
    due = [event for event, delivery in zip(wanted, stored, strict=True) if not is_replayed(delivery, replay.asked_at)]
    if due:
        deps.tasks.enqueue_webhooks(deps.deliveries.replay(webhook, due, deps.clock.now(), request_id), request_id)


def _refusal(webhook: Webhook, event: StoredEvent | None) -> str | None:
    if event is None:
        return "there is no such event, or no more"
    return None if event.kind in webhook.events else f"is of the kind {event.kind.value}, which this webhook does not want"
