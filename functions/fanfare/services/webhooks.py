"""Webhooks: make, change, delete and find them, give them new secrets, and try them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fanfare.domain.audit import AuditEntry, Trail, changes_between
from fanfare.domain.call import Actor, Call
from fanfare.domain.errors import InvalidRequest, NotFound, WebhookInactive
from fanfare.domain.event import Event, EventKind
from fanfare.domain.identifiers import decode_base64url, hash_identifier
from fanfare.domain.webhook import Webhook, format_secret, rotated
from fanfare.domain.webhook_rules import changed_webhook, host_of, read_description, read_events
from fanfare.ports import Deps
from fanfare.services.new_events import nudge_deliveries


@dataclass(frozen=True, slots=True)
class NewWebhook:
    """What a webhook is to be."""

    url: str
    events: Sequence[str]
    description: str = ""


def create_webhook(deps: Deps, call: Call, new: NewWebhook) -> Webhook:
    """Keep a webhook with a fresh secret. InvalidRequest, TooManyWebhooks.

    A repeat under the same key is the same webhook: where the answer to the first request was lost, its repeat finds what that one made.
    """
    kinds, description = read_events(new.events), read_description(new.description)
    webhook_id = _id_of(deps, call, new)
    earlier = deps.webhooks.get(call.tenant, webhook_id) if call.idempotency_key is not None else None
    if earlier is not None:
        return earlier
    _check_url(deps, new.url)
    now = deps.clock.now()
    webhook = Webhook(
        id=webhook_id,
        tenant=call.tenant,
        url=new.url,
        events=kinds,
        secret=_new_secret(deps),
        created_at=now,
        updated_at=now,
        description=description,
        created_by=call.actor.id,
    )
    deps.webhooks.create(webhook, _trail("webhook.created", call.actor, now))
    return webhook


def get_webhook(deps: Deps, tenant: str, webhook_id: str) -> Webhook:
    """Find a webhook; NotFound."""
    return _found(deps.webhooks.get(tenant, webhook_id))


def active_webhook(deps: Deps, tenant: str, webhook_id: str) -> Webhook:
    """Find a webhook that can be posted to; NotFound, WebhookInactive."""
    webhook = get_webhook(deps, tenant, webhook_id)
    if not webhook.active:
        raise WebhookInactive("This webhook is inactive; PUT it with active true first.")
    return webhook


def change_webhook(deps: Deps, call: Call, webhook_id: str, given: Mapping[str, Any]) -> Webhook:
    """Change what is given (`url`, `events`, `description`, `active`); NotFound, InvalidRequest.

    An event that was stored before goes to where its delivery finds the webhook then.
    """
    get_webhook(deps, call.tenant, webhook_id)
    wanted, now = dict(given), deps.clock.now()
    if "events" in given:
        wanted["events"] = read_events(given["events"])
    if "description" in given:
        wanted["description"] = read_description(given["description"])
    if "url" in given:
        _check_url(deps, given["url"])
    trail = _trail("webhook.updated", call.actor, now)
    return _found(deps.webhooks.update(call.tenant, webhook_id, lambda before: changed_webhook(before, wanted, now), trail))


def delete_webhook(deps: Deps, call: Call, webhook_id: str) -> None:
    """Delete a webhook; what is on its way to it is dropped. NotFound."""
    if not deps.webhooks.delete(call.tenant, webhook_id, _trail("webhook.deleted", call.actor, deps.clock.now())):
        raise NotFound.of("webhook")


def rotate_secret(deps: Deps, call: Call, webhook_id: str) -> Webhook:
    """Give a webhook a new secret; the present one signs beside it for a day. NotFound."""
    secret, now, key = _new_secret(deps), deps.clock.now(), call.idempotency_key
    rotation_id = hash_identifier("rotation", call.actor.id, webhook_id, key) if key is not None else None

    def decide(before: Webhook) -> Webhook | None:
        after = rotated(before, secret, rotation_id, now)
        return after if after is not before else None

    return _found(deps.webhooks.update(call.tenant, webhook_id, decide, _trail("webhook.rotated", call.actor, now)))


def try_webhook(deps: Deps, call: Call, webhook_id: str) -> Event:
    """Store an event for this webhook alone, also where it listens to nothing of the kind, and ask for its delivery. NotFound, WebhookInactive."""
    webhook, now = active_webhook(deps, call.tenant, webhook_id), deps.clock.now()
    event = Event(
        id=deps.identifiers.new_id(),
        tenant=call.tenant,
        kind=EventKind.WEBHOOK_TEST,
        at=now,
        data={"webhook_id": webhook.id},
        webhooks=(webhook.id,),
        request_id=call.request_id,
    )
    facts = {"host": host_of(webhook.url), "event": event.id}
    deps.audit.record(call.tenant, AuditEntry("webhook.tested", call.actor, now, (webhook.id,), facts=facts))
    deps.events.record((event,))
    nudge_deliveries(deps, (event,))
    return event


def _check_url(deps: Deps, url: str) -> None:
    refusal = deps.poster.check_url(url)
    if refusal is not None:
        raise InvalidRequest.at("url", refusal)


def _id_of(deps: Deps, call: Call, new: NewWebhook) -> str:
    """A key whose first request was refused is free for another body: what is asked for is part of the name."""
    key = call.idempotency_key
    if key is None:
        return deps.identifiers.new_id()
    return hash_identifier("webhook", call.tenant, call.actor.id, key, new.url, new.description, *sorted(new.events))


def _new_secret(deps: Deps) -> str:
    return format_secret(decode_base64url(deps.identifiers.new_secret()))


def _trail(action: str, actor: Actor, at: datetime) -> Trail:
    """Of a URL only its host is told: the rest may hold a secret."""

    def entry(before: Webhook | None, after: Webhook | None) -> AuditEntry:
        subject = after or before
        named = ((subject.id,), {"host": host_of(subject.url)}) if subject is not None else ((), {})
        return AuditEntry(action, actor, at, named[0], changes_between(before, after), named[1])

    return entry


def _found(webhook: Webhook | None) -> Webhook:
    if webhook is None:
        raise NotFound.of("webhook")
    return webhook
