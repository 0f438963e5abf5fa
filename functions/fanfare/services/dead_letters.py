"""Dead letters: look at what failed for good, and send it again."""

from __future__ import annotations

from fanfare.domain.audit import AuditEntry
from fanfare.domain.call import Call
from fanfare.domain.dead_letter import DeadLetter, Replay, plan_replay
from fanfare.domain.errors import Conflict, NotFound
from fanfare.ports import Deps

_TRIES = 3


def get_dead_letter(deps: Deps, tenant: str, dead_letter_id: str) -> DeadLetter:
    """Find a dead letter; NotFound if the tenant has none of this id."""
    letter = deps.notifications.get_dead_letter(tenant, dead_letter_id)
    if letter is None:
        raise NotFound.of("dead letter")
    return letter


def replay_dead_letter(deps: Deps, call: Call, dead_letter_id: str) -> DeadLetter:
    """Send a dead letter's recipients their message again, with a new life. Conflict while an earlier replay is under way."""
    return send_again(deps, call, get_dead_letter(deps, call.tenant, dead_letter_id), "dead_letter.replayed", dead_letter_id)


def send_again(deps: Deps, call: Call, letter: DeadLetter, action: str, resource_id: str) -> DeadLetter:
    """Replay a dead letter; `action` and `resource_id` are what the audit log says.

    Conflict if it was replayed already, its notification is under way, or cleanup has removed its recipients.
    """
    for _ in range(_TRIES):
        replay = _plan(deps, letter)
        now = deps.clock.now()
        audit = AuditEntry(action, call.actor, now, (resource_id,), facts={"notification_id": letter.key.notification_id})
        replayed = deps.notifications.replay(letter, replay, now, audit)
        if replayed is not None:
            deps.tasks.enqueue_send(letter.key, call.request_id)
            return replayed
    raise Conflict("This dead letter is being replayed already.")


def _plan(deps: Deps, letter: DeadLetter) -> Replay:
    found = deps.notifications.get_with_chunk(letter.key)
    replay = plan_replay(found[1], found[0], deps.clock.now()) if found and found[1] else None
    if replay is None:
        raise Conflict("This dead letter was replayed already, or its notification is under way.")
    if not deps.notifications.read_recipients(letter.key):
        raise Conflict("This dead letter can't be replayed: its recipients are no longer kept.")
    return replay
