"""The cleanup of one tenant: it removes what is due, kind by kind and page by page.

Whatever is interrupted is found again by the next call: what is due is found by queries, and where they would find it again and again, a place is
stored. A call works for a bounded time and asks for another one where there is more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial

from fanfare.domain.audit import AuditEntry
from fanfare.domain.call import Actor, ActorKind
from fanfare.domain.errors import Unavailable
from fanfare.domain.retention import Cleaning, Kind, Swept, due_before
from fanfare.domain.tenant import Tenant
from fanfare.ports import Deps
from fanfare.services import expire_data_keys, expire_devices, expire_notifications, expire_profiles, expire_recipients, expire_records

WORK = timedelta(seconds=120)
"""How long one call works before it asks for another one; a page that is under way then may take a minute more."""
BROKEN_SETTING = "retention_days"
_STEPS: Mapping[Kind, Callable[[Deps, Cleaning], Swept]] = {
    Kind.IDLE_TARGETS: expire_devices.retire_idle_targets,
    Kind.INACTIVE_DEVICES: expire_devices.wipe_inactive,
    Kind.DELETED_DEVICES: expire_devices.wipe_deleted,
    Kind.TOMBSTONES: expire_devices.remove_tombstones,
    Kind.PROFILES: expire_profiles.erase_deleted,
    Kind.DEAD_LETTERS: expire_recipients.remove_dead_letters,
    Kind.RECIPIENTS: expire_recipients.remove_recipients,
    Kind.CHUNKS: expire_notifications.remove_chunks,
    Kind.NOTIFICATIONS: expire_notifications.remove_notifications,
    Kind.DELIVERIES: expire_records.remove_deliveries,
    **{kind: partial(expire_records.remove_records, kind=kind) for kind in (Kind.RECEIPTS, Kind.EVENTS, Kind.AUDIT)},
    Kind.DATA_KEYS: expire_data_keys.remove_data_keys,
}
"""What one page of each kind is, in the order in which they come."""


def clean_up(deps: Deps, tenant_id: str, request_id: str) -> Mapping[Kind, int]:
    """Remove what is due of one tenant, for two minutes; returns how many of each kind.

    Nothing is removed by a default that stands in for a setting which a hand has broken.
    """
    tenant = deps.tenants.get_fresh(tenant_id)
    if tenant is None or BROKEN_SETTING in tenant.defects:
        deps.log.warning("cleanup_left_out", tenant=tenant_id, reason="unknown" if tenant is None else "broken_setting")
        return {}
    cleaning = _cleaning(tenant, deps.clock.now(), request_id)
    removed: Counter[Kind] = Counter()
    try:
        is_done = _sweep(deps, cleaning, removed)
    finally:
        # What was removed is told even if the call ends by something that nobody foresaw.
        _tell(deps, cleaning, removed)
    if not is_done and not deps.tasks.enqueue_cleanup(tenant_id, request_id):
        deps.log.warning("cleanup_unfinished", tenant=tenant_id)
    return +removed


def _cleaning(tenant: Tenant, now: datetime, request_id: str) -> Cleaning:
    actor = Actor(ActorKind.FUNCTION, "cleanup", request_id=request_id)
    return Cleaning(tenant.id, now, due_before(tenant.settings.retention_days, now), actor)


def _sweep(deps: Deps, cleaning: Cleaning, removed: Counter[Kind]) -> bool:
    """Do every kind's pages, while there is time; False if there is more to do."""
    until = cleaning.now + WORK
    for kind, step in _STEPS.items():
        more = True
        while more:
            if deps.lifecycle.is_stopping() or deps.clock.now() >= until:
                return False
            more = _sweep_page(deps, cleaning, kind, step, removed)
    return True


def _sweep_page(deps: Deps, cleaning: Cleaning, kind: Kind, step: Callable[[Deps, Cleaning], Swept], removed: Counter[Kind]) -> bool:
    try:
        page = step(deps, cleaning)
    except Unavailable as error:
        # What keeps one kind from being removed must not keep the others; tomorrow's call tries again.
        deps.log.warning("cleanup_interrupted", tenant=cleaning.tenant, kind=kind.value, reason=error.detail)
        return False
    removed[kind] += page.removed
    return page.more


def _tell(deps: Deps, cleaning: Cleaning, removed: Counter[Kind]) -> None:
    numbers = {kind.value: number for kind, number in removed.items() if number}
    deps.log.info("cleaned_up", tenant=cleaning.tenant, removed=numbers)
    if numbers:
        facts = {name: str(number) for name, number in numbers.items()}
        deps.audit.record(cleaning.tenant, AuditEntry("cleanup.performed", cleaning.actor, cleaning.now, facts=facts))
