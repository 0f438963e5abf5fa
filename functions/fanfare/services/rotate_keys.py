"""Rotating a tenant's keys: somebody begins, the schedule tick goes on until all is written anew (domain/key_rotation.py says in which order).

Whatever is interrupted is begun again from the last stored position, and what is done twice is the same as done once; so may two ticks at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial

from fanfare.domain import key_rotation
from fanfare.domain.audit import AuditEntry, Trail
from fanfare.domain.call import Actor, ActorKind, Call
from fanfare.domain.errors import NotFound, Unavailable
from fanfare.domain.tenant import Tenant
from fanfare.domain.tenant_keys import KeyRotation, Phase
from fanfare.ports import Deps
from fanfare.services.clear_locks import clear_locks
from fanfare.services.rewrite_documents import Piece, fill_devices, rewrite_devices, rewrite_profiles

WORK = timedelta(seconds=40)
"""How long one tick works: the next one comes a minute later."""
MOST_TENANTS = 100
_STEPS: Mapping[Phase, Callable[[Deps, Tenant, str | None], Piece]] = {
    Phase.FILLING_PROFILES: rewrite_profiles,
    Phase.FILLING_DEVICES: fill_devices,
    Phase.CLEARING_PROFILES: rewrite_profiles,
    Phase.CLEARING_DEVICES: rewrite_devices,
    Phase.CLEARING_LOCKS: clear_locks,
}
"""What each phase does with the documents after a position; the others only wait."""
_SCHEDULE = Actor(ActorKind.FUNCTION, "schedule")


def begin_rotation(deps: Deps, call: Call, tenant_id: str) -> Tenant:
    """Give a tenant new keys and begin to write everything anew under them; while that is under way, it goes on and no other begins."""
    tenant, now = _find(deps, tenant_id), deps.clock.now()
    if tenant.rotation is not None:
        return tenant
    version = deps.index_versions.newest_index_version()
    deps.tenants.add_data_key(tenant.id, key_rotation.next_data_key(tenant), now)

    def decide(stored: Tenant) -> Tenant | None:
        # The new key was stored for the state that was read: another rotation may have come and gone meanwhile.
        return key_rotation.begin_rotation(stored, version, now) if stored.data_key_id == tenant.data_key_id else None

    return deps.tenants.update(tenant.id, decide, _trail("app.key_rotation_begun", call.actor, now)) or tenant


def show_rotation(deps: Deps, tenant_id: str) -> Tenant:
    """Find a tenant as it is stored now, the platform's own too: its keys are rotated like any other's."""
    return _find(deps, tenant_id)


def advance_rotations(deps: Deps) -> int:
    """Go on with every rotation that is due, for forty seconds; returns how many tenants were looked at."""
    until = deps.clock.now() + WORK
    tenants = deps.tenants.find_rotating(deps.clock.now(), MOST_TENANTS)
    for tenant in tenants:
        if deps.clock.now() >= until:
            break
        try:
            advance_rotation(deps, tenant, until)
        except Unavailable:
            # What other writers keep from being written must not keep the other tenants waiting; the next tick tries again.
            deps.log.warning("key_rotation_interrupted", tenant=tenant.id)
    return len(tenants)


def advance_rotation(deps: Deps, tenant: Tenant, until: datetime) -> Tenant:
    """Go on with one tenant's rotation until it waits, or ends, or the time is over; the position is stored then, and at the end of each phase."""
    while tenant.rotation is not None and key_rotation.is_due(tenant, deps.clock.now()):
        seen = tenant.rotation
        piece = _work(deps, tenant, seen, until)
        if piece.cursor is not None:
            noted = partial(key_rotation.note_progress, seen=seen, cursor=piece.cursor, done=piece.done, now=deps.clock.now())
            return deps.tenants.update(tenant.id, noted) or tenant
        tenant = _end_phase(deps, tenant, seen)
    return tenant


def _end_phase(deps: Deps, tenant: Tenant, seen: KeyRotation) -> Tenant:
    now = deps.clock.now()
    audit = _trail("app.keys_rotated", _SCHEDULE, now) if seen.phase is Phase.CLEARING_LOCKS else None
    return deps.tenants.update(tenant.id, partial(key_rotation.end_phase, seen=seen, now=now), audit) or tenant


def _work(deps: Deps, tenant: Tenant, rotation: KeyRotation, until: datetime) -> Piece:
    """Do what a phase is for, page by page; a phase that only waited has nothing to do. What was done before a failure is not lost by it."""
    step = _STEPS.get(rotation.phase)
    piece = Piece(0, rotation.cursor)
    while step is not None:
        try:
            page = step(deps, tenant, piece.cursor)
        except Unavailable:
            if piece.cursor == rotation.cursor:
                raise
            return piece
        piece = Piece(piece.done + page.done, page.cursor)
        if page.cursor is None or deps.clock.now() >= until:
            return piece
    return Piece(0, None)


def _find(deps: Deps, tenant_id: str) -> Tenant:
    tenant = deps.tenants.get_fresh(tenant_id)
    if tenant is None:
        raise NotFound.of("tenant")
    return tenant


def _trail(action: str, actor: Actor, at: datetime) -> Trail:
    """Say which keys a tenant has from now on: their ids are no secrets."""
    return lambda _, after: AuditEntry(action, actor, at, (after.id,), facts={"data_key": after.data_key_id, "index_key": after.index.current})
