"""Telling FCM what it does not know yet of devices' subscriptions, and noting what it answered.

A call reads the devices, tells FCM of what is pending as they are then, and takes away what is done, guarded by what it read: whatever changes in
between is pending anew. What can be tried again has its time; a task is asked for, and the schedule tick finds it a minute after that time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from fanfare.domain.breaker import ALL
from fanfare.domain.classification import Kind, RetryRule
from fanfare.domain.device import Device
from fanfare.domain.errors import CredentialRefused, Unavailable
from fanfare.domain.subscribing import Subscription, postpone, subscriptions_of
from fanfare.domain.subscription_answer import SyncAction, SyncOutcome, judge
from fanfare.domain.sync_outcomes import note_outcomes
from fanfare.domain.tenant import Tenant, hold_reason
from fanfare.ports import Deps
from fanfare.services.delete_topic import go_on_deleting
from fanfare.services.hold_tenant import open_tenant_breaker
from fanfare.services.nudge_topics import nudge_devices

MOST_PAIRS = 1_000
"""Of targets and topics, in one call."""
HELD = timedelta(minutes=5)
"""How long what can't be told now, because the tenant is held, is left alone."""
SKEW = timedelta(seconds=5)
_NOT_NOW = SyncOutcome(SyncAction.RETRY, "UNAVAILABLE", RetryRule.BACKOFF)
Told = Mapping[Subscription, SyncOutcome]


def sync_topics(deps: Deps, tenant: str, device_ids: Sequence[str], request_id: str) -> int:
    """Do what a task asks for: tell FCM of these devices; where it names none, go on with the deletion of topics.

    Returns of how many subscriptions FCM was told.
    """
    if device_ids:
        return len(tell_fcm(deps, tenant, device_ids, request_id))
    go_on_deleting(deps, tenant, request_id)
    return 0


def tell_fcm(
    deps: Deps, tenant_id: str, device_ids: Sequence[str], request_id: str, *, most: int = MOST_PAIRS, within: timedelta | None = None
) -> Told:
    """Tell FCM of devices, of at most so many subscriptions and for at most so long, and ask for a task for the rest; returns what it answered."""
    now = deps.clock.now()
    devices = [device for device in deps.devices.get(tenant_id, device_ids) if _is_due(device, now)]
    tenant = _tenant(deps, tenant_id) if devices else None
    if tenant is None:
        return {}
    if hold_reason(tenant) is not None:
        _postpone(deps, tenant_id, devices)
        return {}
    wanted = [subscription for device in devices for subscription in subscriptions_of(device)]
    told = _tell(deps, tenant, wanted[:most], None if within is None else now + within)
    _nudge_rest(deps, tenant_id, [each.device_id for each in wanted if each not in told], _note(deps, tenant, told), request_id)
    return told


def _is_due(device: Device, now: datetime) -> bool:
    sync = device.topic_sync
    return bool(sync.pending) and (sync.check_at is None or sync.check_at <= now + SKEW)


def _tenant(deps: Deps, tenant_id: str) -> Tenant | None:
    """The tenant; a hold that was cached is looked up again."""
    tenant = deps.tenants.get(tenant_id)
    return deps.tenants.get_fresh(tenant_id) if tenant is not None and hold_reason(tenant) is not None else tenant


def _tell(deps: Deps, tenant: Tenant, wanted: Sequence[Subscription], until: datetime | None) -> Told:
    """Tell FCM; an access token that it does not take is renewed once, and what says that the project is broken opens the tenant's breaker."""
    told = _ask(deps, tenant, wanted, until)
    if any(outcome.kind is Kind.UNAUTHENTICATED for outcome in told.values()):
        deps.sender.renew(tenant)
        told = {**told, **_ask(deps, tenant, [each for each in wanted if each in told and told[each].action is SyncAction.PARK], until)}
    broken = next((outcome.code for outcome in told.values() if outcome.action is SyncAction.PARK), None)
    if broken is not None:
        open_tenant_breaker(deps, tenant.id, ALL, broken)
    return told


def _ask(deps: Deps, tenant: Tenant, wanted: Sequence[Subscription], until: datetime | None) -> Told:
    told: dict[Subscription, SyncOutcome] = {}
    try:
        for batch in deps.subscriber.tell(tenant, wanted):
            told.update((each, judge(answer, subscribed=each.subscribed)) for each, answer in batch)
            if until is not None and deps.clock.now() > until:
                break
    except CredentialRefused as error:
        return dict.fromkeys(wanted, SyncOutcome(SyncAction.PARK, error.code)) | told
    except Unavailable as error:
        deps.log.warning("topic_sync_interrupted", tenant=tenant.id, cause=error.detail)
        return dict.fromkeys(wanted, _NOT_NOW) | told
    return told


def _note(deps: Deps, tenant: Tenant, told: Told) -> Sequence[Device]:
    """Store what FCM answered; returns the devices that it was told of, as they are then."""
    now, jitter = deps.clock.now(), deps.identifiers.jitter()
    by_device: dict[str, dict[Subscription, SyncOutcome]] = defaultdict(dict)
    for each, outcome in told.items():
        by_device[each.device_id][each] = outcome
    parked = {each.device_id for each, outcome in told.items() if outcome.action is SyncAction.PARK}

    def decide(device: Device) -> Device | None:
        noted = note_outcomes(device, by_device[device.id], now, jitter)
        return (postpone(noted or device, now + HELD) or noted) if device.id in parked else noted

    noted = deps.subscriptions.note(tenant.id, list(by_device), decide)
    counts = {action.value: sum(outcome.action is action for outcome in told.values()) for action in SyncAction}
    deps.log.info("topics_synced", tenant=tenant.id, **counts)
    return noted


def _nudge_rest(deps: Deps, tenant: str, untold: Sequence[str], noted: Sequence[Device], request_id: str) -> None:
    """Ask for a call at each time at which something is to be told, and for one at once about what is due and was not told, or told wrongly."""
    now = deps.clock.now()
    by_time: dict[datetime, list[str]] = defaultdict(list)
    due = list(untold)
    for device in noted:
        at = device.topic_sync.check_at
        if at is not None and at > now:
            by_time[at].append(device.id)
        elif device.topic_sync.pending:
            due.append(device.id)
    nudge_devices(deps, tenant, due, request_id)
    for at, device_ids in by_time.items():
        deps.tasks.enqueue_topic_sync(tenant, device_ids, request_id, at)


def _postpone(deps: Deps, tenant: str, devices: Sequence[Device]) -> None:
    until = deps.clock.now() + HELD
    deps.subscriptions.note(tenant, [device.id for device in devices], lambda device: postpone(device, until))
