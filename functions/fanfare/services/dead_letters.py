"""Dead letters: look at what failed for good, and send it again."""

from __future__ import annotations

from dataclasses import replace

from fanfare.domain.audit import AuditEntry
from fanfare.domain.call import Call
from fanfare.domain.chunk_rows import is_of_audience
from fanfare.domain.dead_letter import AnyLetter, DeadLetter, Replay, WebhookLetter, plan_replay
from fanfare.domain.errors import Conflict, NotFound
from fanfare.domain.notification import Notification
from fanfare.ports import Deps
from fanfare.services.replay_chunks import PAGE, replay_chunks

_TRIES = 3


def get_dead_letter(deps: Deps, tenant: str, dead_letter_id: str) -> AnyLetter:
    """Find a dead letter; NotFound if the tenant has none of this id."""
    letter = deps.notifications.get_dead_letter(tenant, dead_letter_id)
    if letter is None:
        raise NotFound.of("dead letter")
    return letter


def replay_dead_letter(deps: Deps, call: Call, dead_letter_id: str) -> AnyLetter:
    """Send a dead letter's recipients their message, or an endpoint its event, again. Conflict while an earlier replay is under way."""
    letter = get_dead_letter(deps, call.tenant, dead_letter_id)
    if isinstance(letter, WebhookLetter):
        return _deliver_again(deps, call, letter)
    return send_again(deps, call, letter, "dead_letter.replayed", dead_letter_id)


def send_again(deps: Deps, call: Call, letter: DeadLetter, action: str, resource_id: str) -> DeadLetter:
    """Replay a dead letter; `action` and `resource_id` are what the audit log says.

    Conflict if it was replayed already, its notification is under way or was cancelled, or cleanup has removed its recipients.
    """
    for _ in range(_TRIES):
        notification, replay = _plan(deps, letter)
        if notification.layout is not None:
            return _send_one_again(deps, call, notification, letter, _audit(deps, call, letter.key.notification_id, action, resource_id))
        audit = _audit(deps, call, letter.key.notification_id, action, resource_id)
        replayed = deps.notifications.replay(letter, replay, deps.clock.now(), audit)
        if replayed is not None:
            deps.tasks.enqueue_send(letter.key, call.request_id)
            return replayed
    raise Conflict("This dead letter is being replayed already.")


def send_all_again(deps: Deps, call: Call, notification: Notification, action: str) -> int:
    """Replay all the dead letters of a notification of many chunks, a page in a commit; returns how many chunks it were.

    Conflict if there are none, or if the notification was cancelled. A call that repeats one that was broken off goes on where that stopped.
    """
    replayed, after = 0, None
    while True:
        page = deps.notifications.find_dead_letters(notification.tenant, notification.id, PAGE, after)
        letters = [letter for letter in page.items if letter.replayed_at is None]
        replayed += len(replay_chunks(deps, call.request_id, letters, _audit(deps, call, notification.id, action, notification.id)))
        after = page.next_after
        if after is None:
            break
    if not replayed:
        raise Conflict(f"This notification is {notification.status} and has no failures that sending again may mend.")
    return replayed


def _deliver_again(deps: Deps, call: Call, letter: WebhookLetter) -> WebhookLetter:
    """Make a delivery due again with all its attempts. Conflict if it was replayed already, or has nothing or nowhere to go any more."""
    key, now = letter.key, deps.clock.now()
    webhook, event = deps.webhooks.get(key.tenant, key.webhook_id), deps.events.get(key.tenant, key.event_id)
    if letter.replayed_at is not None:
        raise Conflict("This dead letter was replayed already.")
    if webhook is None or not webhook.active:
        raise Conflict("This dead letter can't be replayed: its webhook is gone or inactive.")
    if event is None:
        raise Conflict("This dead letter can't be replayed: its event is no longer kept.")
    facts = {"webhook_id": key.webhook_id, "event_id": key.event_id}
    audit = AuditEntry("dead_letter.replayed", call.actor, now, (letter.id,), facts=facts)
    if not deps.deliveries.replay(webhook, [event], now, call.request_id, audit):
        raise Conflict("This dead letter is being replayed already.")
    deps.tasks.enqueue_webhook(key, call.request_id)
    return replace(letter, replayed_at=now)


def _send_one_again(deps: Deps, call: Call, notification: Notification, letter: DeadLetter, audit: AuditEntry) -> DeadLetter:
    if not is_of_audience(notification) and not deps.chunks.read_recipients(letter.key):
        raise Conflict("This dead letter can't be replayed: its recipients are no longer kept.")
    replayed = replay_chunks(deps, call.request_id, [letter], audit)
    if not replayed:
        raise Conflict("This dead letter is being replayed already.")
    return replayed[0]


def _audit(deps: Deps, call: Call, notification_id: str, action: str, resource_id: str) -> AuditEntry:
    return AuditEntry(action, call.actor, deps.clock.now(), (resource_id,), facts={"notification_id": notification_id})


def _plan(deps: Deps, letter: DeadLetter) -> tuple[Notification, Replay]:
    found = deps.notifications.get_with_chunk(letter.key)
    replay = plan_replay(found[1], found[0], deps.clock.now()) if found and found[1] else None
    if found is None or replay is None:
        raise Conflict("This dead letter was replayed already, or its notification is under way.")
    if found[0].layout is None and not deps.chunks.read_recipients(letter.key):
        raise Conflict("This dead letter can't be replayed: its recipients are no longer kept.")
    return found[0], replay
