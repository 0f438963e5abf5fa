"""Looking after audiences: pins of broadcasts that have ended, generations that nothing reads any more, passes that nobody goes on with."""

from __future__ import annotations

from functools import partial

from fanfare.domain.audience import Audience, droppable_generations, forget_generations, is_compacted, release_pins
from fanfare.domain.batches import split
from fanfare.domain.errors import Unavailable
from fanfare.domain.notification import FINAL_STATUSES
from fanfare.ports import Deps

MOST_CHECKED = 100
DELETED_AT_ONCE = 500


def tend_audiences(deps: Deps, request_id: str) -> int:
    """Look after the audiences that are due, the longest waiting first; returns how many generations were deleted."""
    dropped = 0
    for tenant in deps.audience.find_to_check(deps.clock.now(), MOST_CHECKED):
        try:
            dropped += _tend(deps, tenant, request_id)
        except Unavailable as error:
            # What can't be read of one tenant must not keep the others waiting; the next tick looks again.
            deps.log.warning("audience_unattended", tenant=tenant, reason=error.detail)
    return dropped


def _tend(deps: Deps, tenant: str, request_id: str) -> int:
    audience = deps.audience.get(tenant)
    if audience is None:
        return 0
    ended = [notification_id for notification_id in audience.pins if _has_ended(deps, tenant, notification_id)]
    if ended:
        audience = deps.audience.update(tenant, lambda stored: release_pins(stored, ended))
    now = deps.clock.now()
    if audience.began_at is not None and not is_compacted(audience, now):
        deps.tasks.enqueue_compaction(tenant, request_id)
    dropped = droppable_generations(audience, now)
    for generation, shards in dropped.items():
        _delete(deps, audience, generation, shards)
    deps.audience.update(tenant, partial(forget_generations, dropped=dropped, now=now))
    return len(dropped)


def _has_ended(deps: Deps, tenant: str, notification_id: str) -> bool:
    notification = deps.notifications.get(tenant, notification_id)
    return notification is None or notification.status in FINAL_STATUSES


def _delete(deps: Deps, audience: Audience, generation: int, shards: int) -> None:
    for numbers in split(range(shards), DELETED_AT_ONCE):
        deps.audience.delete_shards(audience.tenant, generation, numbers)
    deps.log.info("generation_dropped", tenant=audience.tenant, generation=generation, shards=shards)
