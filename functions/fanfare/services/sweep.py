"""The schedule tick's sweep: whatever is overdue is nudged again, and tenants that were held are probed and drained.

A Cloud Task is a nudge: it may be lost, refused or used up. Firestore is the truth, so everything unfinished has a time after which it is found here.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from fanfare.domain.chunk import ChunkKey
from fanfare.domain.sweeping import position_after
from fanfare.domain.tenant import Tenant
from fanfare.ports import Deps
from fanfare.services.look_after import look_after
from fanfare.services.probe_tenant import probe_tenant
from fanfare.services.rotate_keys import advance_rotations
from fanfare.services.settle_profile import settle_profiles
from fanfare.services.settle_topics import settle_topics
from fanfare.services.steer_broadcast import is_steered_whole
from fanfare.services.steer_notification import settle_edited_pauses

MOST_OVERDUE = 1_000
MOST_TENANTS = 100
MOST_PARKED = 500
MOST_DELIVERIES = 1_000
NEXT_CHECK = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Swept:
    """What one sweep did."""

    chunks: int = 0
    notifications: int = 0
    tenants: int = 0
    deliveries: int = 0


def sweep(deps: Deps, request_id: str) -> Swept:
    """Nudge what is overdue, probe and drain the tenants that need it."""
    now = deps.clock.now()
    overdue = deps.notifications.find_overdue(now, MOST_OVERDUE)
    for key in overdue.chunks:
        # A chunk of many waits behind whatever is direct.
        deps.tasks.enqueue_send(key, request_id, now if key.number else None)
    for key in overdue.notifications:
        _start(deps, key, request_id, now)
    deliveries = deps.deliveries.find_overdue(now, MOST_DELIVERIES)
    # An endpoint that hangs may have thousands waiting: they must not fill the queue with tasks, nor hide those of others from the next sweep.
    deps.deliveries.put_off(deps.tasks.enqueue_webhooks(deliveries, request_id), now)
    settle_edited_pauses(deps, request_id)
    settle_profiles(deps)
    settle_topics(deps, request_id)
    tenants = deps.tenants.find_needing_attention(now, MOST_TENANTS)
    for tenant in tenants:
        _attend(deps, tenant, request_id, now)
    # The last thing, because it may take most of the minute.
    advance_rotations(deps)
    swept = Swept(len(overdue.chunks), len(overdue.notifications), len(tenants), len(deliveries))
    deps.log.info("swept", **asdict(swept))
    return swept


def _start(deps: Deps, key: ChunkKey, request_id: str, now: datetime) -> None:
    """Nudge a notification whose only chunk never began; one that has begun is its chunk's business from now on. One of many is looked after."""
    found = deps.notifications.get_with_chunk(key)
    if found is None:
        return
    if is_steered_whole(found[0]):
        look_after(deps, found[0], request_id)
    elif found[1] is None:
        deps.tasks.enqueue_send(key, request_id)
        deps.notifications.set_next_check(key, now + NEXT_CHECK)
    else:
        deps.notifications.set_next_check(key, None)


def _attend(deps: Deps, tenant: Tenant, request_id: str, now: datetime) -> None:
    if tenant.quarantine is not None:
        # Repeated at every tick, so that the alert stays up until somebody has decided.
        deps.log.warning("tenant_quarantined", tenant=tenant.id, reason=tenant.quarantine.reason)
        return
    for scope, breaker in tenant.breakers.items():
        if breaker.probe_at <= now:
            probe_tenant(deps, tenant, scope)
    if tenant.draining_until is not None:
        _drain(deps, tenant, request_id, now)


def _drain(deps: Deps, tenant: Tenant, request_id: str, now: datetime) -> None:
    """Nudge a page of what is still parked; once nothing is, and no pass can be under way that would park more, the draining ends.

    Chunks may stay parked behind another breaker, so a tick goes on after the last one's page: the first ones would else keep the others waiting.
    """
    parked = deps.chunks.find_parked(tenant.id, MOST_PARKED, tenant.drained_to)
    for key in parked:
        deps.tasks.enqueue_send(key, request_id, now if key.number else None)
    position = position_after(parked, MOST_PARKED)
    if position != tenant.drained_to:
        deps.tenants.update(tenant.id, partial(_turned, to=position))
    elif not parked and tenant.draining_until is not None and now >= tenant.draining_until:
        deps.tenants.update(tenant.id, lambda stored: replace(stored, draining_until=None) if stored.draining_until else None)


def _turned(stored: Tenant, *, to: ChunkKey | None) -> Tenant:
    return replace(stored, drained_to=to)
