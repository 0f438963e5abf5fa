"""Stopping what is under way, and letting it go on: cancel, pause, resume, and sending again what failed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial

from fanfare.domain.audit import trail
from fanfare.domain.call import Actor, ActorKind, Call
from fanfare.domain.chunk import Chunk, ChunkKey
from fanfare.domain.dead_letter import dead_letter_id
from fanfare.domain.errors import Conflict, NotFound
from fanfare.domain.notification import Notification
from fanfare.domain.progress import with_progress
from fanfare.domain.steering import Steered, decide_by_hand, decide_cancel, decide_pause, decide_resume
from fanfare.ports import Deps
from fanfare.services.dead_letters import send_again
from fanfare.services.show_notification import get_notification

MOST_EDITED = 100
_Decide = Callable[[Notification, Chunk | None, datetime], Steered | None]


def cancel_notification(deps: Deps, call: Call, notification_id: str) -> Notification:
    """Cancel: at once, or once the pass that is under way has ended. NotFound; Conflict if it is completed."""
    return _steer(deps, call, notification_id, decide_cancel, "notification.cancelled")


def pause_notification(deps: Deps, call: Call, notification_id: str) -> Notification:
    """Pause: at once, or once the pass that is under way has ended. NotFound; Conflict if it has ended or is being cancelled."""
    return _steer(deps, call, notification_id, decide_pause, "notification.paused")


def resume_notification(deps: Deps, call: Call, notification_id: str) -> Notification:
    """Let a paused notification go on. NotFound; Conflict if it has ended or is being cancelled."""
    resumed = _steer(deps, call, notification_id, decide_resume, "notification.resumed")
    # Also where nothing was changed: an earlier call may have ended between its commit and its nudge.
    deps.tasks.enqueue_send(ChunkKey(call.tenant, notification_id, 0), call.request_id)
    return resumed


def retry_notification(deps: Deps, call: Call, notification_id: str) -> Notification:
    """Send again to whoever failed in a way that this may mend. NotFound; Conflict if nobody did, or if it is under way."""
    notification = get_notification(deps, call.tenant, notification_id)
    letter = deps.notifications.get_dead_letter(call.tenant, dead_letter_id(ChunkKey(call.tenant, notification_id, 0)))
    if letter is None:
        raise Conflict(f"This notification is {notification.status} and has no failures that sending again may mend.")
    send_again(deps, call, letter, "notification.retried", notification_id)
    return get_notification(deps, call.tenant, notification_id)


def settle_edited_pauses(deps: Deps, request_id: str) -> int:
    """Act on what operators edited in the database: hold what they paused, nudge what they released. Returns how many it were."""
    edited = deps.notifications.find_edited_pauses(MOST_EDITED)
    now, actor = deps.clock.now(), Actor(ActorKind.FUNCTION, "schedule", request_id=request_id)
    for key in edited:
        deps.notifications.steer(key, partial(decide_by_hand, now=now), trail("notification.edited", actor, now))
        deps.tasks.enqueue_send(key, request_id)
    return len(edited)


def _steer(deps: Deps, call: Call, notification_id: str, decide: _Decide, action: str) -> Notification:
    now = deps.clock.now()
    key, audit = ChunkKey(call.tenant, notification_id, 0), trail(action, call.actor, now)
    state = deps.notifications.steer(key, lambda notification, chunk: decide(notification, chunk, now), audit)
    if state is None:
        raise NotFound.of("notification")
    return with_progress(*state)
