"""Stopping what is under way, and letting it go on: cancel, pause, resume, and sending again what failed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial

from fanfare.domain.audit import Trail, trail
from fanfare.domain.broadcast_steering import cancel_broadcast, edit_broadcast, pause_broadcast, resume_broadcast
from fanfare.domain.call import Actor, ActorKind, Call
from fanfare.domain.chunk import Chunk, ChunkKey
from fanfare.domain.dead_letter import DeadLetter, dead_letter_id
from fanfare.domain.errors import Conflict, NotFound
from fanfare.domain.notification import Notification
from fanfare.domain.progress import with_progress
from fanfare.domain.steering import Steered, decide_by_hand, decide_cancel, decide_pause, decide_resume
from fanfare.ports import Deps
from fanfare.services.announce_chunk import announce_steering
from fanfare.services.announce_status import status_telling, with_present_counts
from fanfare.services.dead_letters import send_again, send_all_again
from fanfare.services.show_notification import get_notification
from fanfare.services.steer_broadcast import Decide, is_steered_whole, steer_broadcast

MOST_EDITED = 100
_Decide = Callable[[Notification, Chunk | None, datetime], Steered | None]


def cancel_notification(deps: Deps, call: Call, notification_id: str) -> Notification:
    """Cancel: at once, or once the passes that are under way have ended. NotFound; Conflict if it is completed."""
    return _steer(deps, call, notification_id, (decide_cancel, cancel_broadcast), "notification.cancelled")


def pause_notification(deps: Deps, call: Call, notification_id: str) -> Notification:
    """Pause: at once, or once the pass that is under way has ended. NotFound; Conflict if it has ended or is being cancelled."""
    return _steer(deps, call, notification_id, (decide_pause, pause_broadcast), "notification.paused")


def resume_notification(deps: Deps, call: Call, notification_id: str) -> Notification:
    """Let a paused notification go on. NotFound; Conflict if it has ended or is being cancelled."""
    resumed = _steer(deps, call, notification_id, (decide_resume, resume_broadcast), "notification.resumed")
    if resumed.layout is None:
        # Also where nothing was changed: an earlier call may have ended between its commit and its nudge.
        deps.tasks.enqueue_send(ChunkKey(call.tenant, notification_id, 0), call.request_id)
    return resumed


def retry_notification(deps: Deps, call: Call, notification_id: str) -> Notification:
    """Send again to whoever failed in a way that this may mend. NotFound; Conflict if nobody did, or if it is under way."""
    notification = get_notification(deps, call.tenant, notification_id)
    if notification.layout is not None:
        send_all_again(deps, call, notification, "notification.retried")
        return with_present_counts(deps, deps.notifications.get(call.tenant, notification_id) or notification)
    letter = deps.notifications.get_dead_letter(call.tenant, dead_letter_id(ChunkKey(call.tenant, notification_id, 0)))
    if not isinstance(letter, DeadLetter):
        raise Conflict(f"This notification is {notification.status} and has no failures that sending again may mend.")
    send_again(deps, call, letter, "notification.retried", notification_id)
    return get_notification(deps, call.tenant, notification_id)


def settle_edited_pauses(deps: Deps, request_id: str) -> int:
    """Act on what operators edited in the database: hold what they paused, nudge what they released. Returns how many it were."""
    edited = deps.notifications.find_edited_pauses(MOST_EDITED)
    now, actor = deps.clock.now(), Actor(ActorKind.FUNCTION, "schedule", request_id=request_id)
    for key in edited:
        audit, notification = trail("notification.edited", actor, now), deps.notifications.get(key.tenant, key.notification_id)
        if notification is not None and is_steered_whole(notification):
            steer_broadcast(deps, notification, edit_broadcast, audit, request_id)
            continue
        _steer_one(deps, key, partial(decide_by_hand, now=now), audit)
        deps.tasks.enqueue_send(key, request_id)
    return len(edited)


def _steer(deps: Deps, call: Call, notification_id: str, decisions: tuple[_Decide, Decide], action: str) -> Notification:
    """Apply the decision for one chunk, or that for many."""
    now, (decide, decide_whole) = deps.clock.now(), decisions
    key, audit = ChunkKey(call.tenant, notification_id, 0), trail(action, call.actor, now)

    def decide_one(notification: Notification, chunk: Chunk | None) -> Steered | None:
        return None if is_steered_whole(notification) else decide(notification, chunk, now)

    state = _steer_one(deps, key, decide_one, audit)
    if state is None:
        raise NotFound.of("notification")
    if is_steered_whole(state[0]):
        return with_present_counts(deps, steer_broadcast(deps, state[0], decide_whole, audit, call.request_id))
    return with_progress(*state)


def _steer_one(
    deps: Deps, key: ChunkKey, decide: Callable[[Notification, Chunk | None], Steered | None], audit: Trail
) -> tuple[Notification, Chunk | None] | None:
    """Steer a notification of one chunk, and tell of it."""
    telling = status_telling(deps)

    def decide_and_tell(notification: Notification, chunk: Chunk | None) -> Steered | None:
        return announce_steering(telling, notification, decide(notification, chunk))

    state = deps.notifications.steer(key, decide_and_tell, audit)
    telling.nudge()
    return state
