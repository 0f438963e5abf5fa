"""Deliver one event to one endpoint: claim, post, store what came of it, ask for the next attempt, note how the endpoint does."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import partial

from fanfare.domain.audit import AuditEntry, trail
from fanfare.domain.call import Actor, ActorKind
from fanfare.domain.chunk import Busy, Finished
from fanfare.domain.dead_letter import webhook_letter_of
from fanfare.domain.endpoint_answer import NotPosted, Posted
from fanfare.domain.endpoint_health import Verdict, is_slow, note_attempt, verdict_of
from fanfare.domain.event import Event, EventKind
from fanfare.domain.listening import is_read
from fanfare.domain.trace_context import SpanKind
from fanfare.domain.version import VERSION
from fanfare.domain.webhook import Webhook, signing_secrets
from fanfare.domain.webhook_delivery import DeliveryKey, plan_after
from fanfare.domain.webhook_signature import sign
from fanfare.ports import Deps
from fanfare.ports.webhooks import ClaimedDelivery
from fanfare.services.new_events import listening_to, make_events, nudge_deliveries

BUSY_SECONDS = 2
"""When to ask again, where an endpoint has as many attempts under way as it may."""


def deliver_event(deps: Deps, key: DeliveryKey, request_id: str) -> Busy | Finished:
    """Make one attempt, if one is due. Called twice, early or late, it does no harm; Busy asks to be called again."""
    endpoint = f"{key.tenant}/{key.webhook_id}"
    if not deps.slots.enter(endpoint):
        return Busy(BUSY_SECONDS)
    slow: bool | None = None
    try:
        claimed = deps.deliveries.claim(key, deps.identifiers.new_id(), deps.clock.now())
        if not isinstance(claimed, ClaimedDelivery):
            return claimed
        # A delivery belongs to the request that began it, whoever nudged it now.
        request_id = claimed.delivery.request_id or request_id
        begun = deps.clock.now()
        answer = _post(deps, claimed, request_id)
        slow = is_slow(answer, deps.clock.now() - begun)
    finally:
        deps.slots.leave(endpoint, slow=slow)
    _settle(deps, claimed, answer, request_id)
    return Finished()


def _post(deps: Deps, claimed: ClaimedDelivery, request_id: str) -> Posted | NotPosted:
    webhook, event, now = claimed.webhook, claimed.event, deps.clock.now()
    with deps.telemetry.span("webhook post", SpanKind.CLIENT, tenant=webhook.tenant, webhook=webhook.id, event_id=event.id) as span:
        headers = {
            **sign(signing_secrets(webhook, now), event.id, now, event.body),
            "content-type": "application/json",
            "user-agent": f"Fanfare/{VERSION}",
            "x-request-id": request_id,
            **deps.telemetry.headers(),
        }
        answer = deps.poster.post(webhook.url, headers, event.body)
        span.note(**{"status": answer.status} if isinstance(answer, Posted) else {"error": answer.error})
    return answer


def _settle(deps: Deps, claimed: ClaimedDelivery, answer: Posted | NotPosted, request_id: str) -> None:
    """Store what an attempt came to. One whose claim was lost meanwhile is another call's business, but has told how the endpoint does."""
    now = deps.clock.now()
    planned = plan_after(claimed.delivery, answer, now)
    letter = webhook_letter_of(planned, now)
    stored = deps.deliveries.conclude(planned, letter)
    if stored and letter is not None:
        deps.log.warning("dead_lettered", tenant=letter.key.tenant, webhook=letter.key.webhook_id, event_id=letter.key.event_id, reason=letter.reason)
    if stored and planned.next_attempt_at is not None:
        deps.tasks.enqueue_webhook(planned.key, request_id, planned.next_attempt_at)
    _note(deps, claimed.webhook, verdict_of(answer), request_id)


def _note(deps: Deps, webhook: Webhook, verdict: Verdict, request_id: str) -> None:
    """Note how an endpoint does, if that is news; one that is given up is disabled, with an entry in the audit log and an event for the others."""
    now = deps.clock.now()
    noted = note_attempt(webhook, verdict, now)
    if noted is not None and noted.active:
        deps.webhooks.update(webhook.tenant, webhook.id, lambda stored: _still_active(note_attempt(stored, verdict, now)))
    elif noted is not None:
        _disable(deps, noted, verdict, request_id)


def _still_active(noted: Webhook | None) -> Webhook | None:
    """What is noted without an entry in the audit log; giving an endpoint up is left to the next attempt, which finds it as it is stored now."""
    return noted if noted is not None and noted.active else None


def _disable(deps: Deps, noted: Webhook, verdict: Verdict, request_id: str) -> None:
    now = noted.updated_at
    events = _tell_others(deps, noted, request_id)
    record = trail("webhook.disabled", Actor(ActorKind.FUNCTION, "webhook", request_id=request_id), now)

    def audit(before: Webhook | None, after: Webhook | None) -> AuditEntry:
        return replace(record(before, after), events=events)

    stored = deps.webhooks.update(noted.tenant, noted.id, partial(_given_up, verdict=verdict, now=now), audit)
    if stored is not None and not stored.active and stored.updated_at == now:
        deps.log.warning("webhook_disabled", tenant=noted.tenant, webhook=noted.id, reason=stored.inactive_reason)
        nudge_deliveries(deps, events)


def _given_up(stored: Webhook, *, verdict: Verdict, now: datetime) -> Webhook | None:
    noted = note_attempt(stored, verdict, now)
    return noted if noted is not None and not noted.active else None


def _tell_others(deps: Deps, disabled: Webhook, request_id: str) -> tuple[Event, ...]:
    """The event of it, for everybody but the webhook itself; none if nobody else listens."""
    kind, reason = EventKind.WEBHOOK_DISABLED, disabled.inactive_reason
    told = make_events(deps, disabled.tenant, kind, {"webhook_id": disabled.id, "reason": reason}, request_id=request_id)
    is_polled = is_read(listening_to(deps, disabled.tenant), kind, disabled.updated_at)
    others = [replace(event, webhooks=tuple(name for name in event.webhooks if name != disabled.id)) for event in told]
    return tuple(event for event in others if event.webhooks or is_polled)
