"""Subscribing devices and profiles to a topic, and unsubscribing them: stored first, told to FCM afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial

from fanfare.domain.address import Address, AddressKind
from fanfare.domain.audit import AuditEntry
from fanfare.domain.batches import split
from fanfare.domain.call import Call
from fanfare.domain.device import Device
from fanfare.domain.following import follow_topic, unfollow_topic
from fanfare.domain.profile import Profile, ProfileState
from fanfare.domain.subscribing import join_topic, leave_topic
from fanfare.domain.subscription_answer import SyncAction
from fanfare.domain.topic import MOST_PROFILE_NAME_BYTES, has_room
from fanfare.ports import Deps
from fanfare.services.nudge_topics import nudge_devices
from fanfare.services.sync_topics import tell_fcm
from fanfare.services.tell_profiles import tell_devices
from fanfare.services.topics import get_topic

PIECE = 100
TOLD_AT_ONCE = 100
"""Subscriptions that FCM is told of while the caller waits; the rest is told by tasks."""
WAIT = timedelta(seconds=5)
MOST_DEVICES_TOLD = 5_000
"""Of profiles, while the caller waits; the schedule tick tells the rest two minutes later."""
UNKNOWN_DEVICE = "names no device"
UNKNOWN_PROFILE = "names no profile"
TOO_MANY = "has too many topics already"


class Change(StrEnum):
    """Which way."""

    SUBSCRIBE = "subscribe"
    UNSUBSCRIBE = "unsubscribe"


@dataclass(slots=True)
class Changed:
    """How many devices or profiles were changed by a call, and why others were refused, by their place in it."""

    changed: int = 0
    refused: dict[int, str] = field(default_factory=dict)


def change_devices(deps: Deps, call: Call, name: str, device_ids: Sequence[str], change: Change) -> Changed:
    """Subscribe devices, or unsubscribe them. NotFound if there is no such topic."""
    topic = get_topic(deps, call.tenant, name).name
    audit = _entry(deps, call, "device", topic, change)
    outcome = Changed()
    turned: list[str] = []
    places: dict[str, int] = {}
    for place, device_id in enumerate(device_ids):
        places.setdefault(device_id, place)
    for piece in split(list(places), PIECE):
        refused = dict.fromkeys(piece, UNKNOWN_DEVICE)
        turned += deps.devices.update_many(call.tenant, piece, partial(_turn, topic=topic, change=change, refused=refused), audit)
        outcome.refused.update((places[device_id], why) for device_id, why in refused.items())
    outcome.changed = len(turned)
    outcome.refused.update(_tell(deps, call, topic, turned, lambda device: (places[device],)))
    return outcome


def change_profiles(deps: Deps, call: Call, name: str, addresses: Sequence[Address], change: Change) -> Changed:
    """Subscribe profiles with their devices, those that they register later included, or unsubscribe them. NotFound if there is no such topic."""
    topic = get_topic(deps, call.tenant, name).name
    found = _find(deps, call.tenant, addresses)
    outcome = Changed(refused={place: UNKNOWN_PROFILE for place, address in enumerate(addresses) if address not in found})
    places: dict[str, list[int]] = {}
    for place, address in enumerate(addresses):
        if address in found:
            places.setdefault(found[address].id, []).append(place)
    for profile_id, why in _change(deps, call, topic, list(places), change, outcome).items():
        outcome.refused.update(dict.fromkeys(places.pop(profile_id), why))
    also = partial(join_topic, topic=topic) if change is Change.SUBSCRIBE else partial(leave_topic, topic=topic)
    audit = _entry(deps, call, "device", topic, change)
    turned = tell_devices(deps, call.tenant, list(places), also=also, audit=audit, most=MOST_DEVICES_TOLD)
    owners = {device.id: device.profile_ids for device in turned}

    def places_of(device_id: str) -> Iterable[int]:
        return (place for owner in owners[device_id] for place in places.get(owner, ()))

    outcome.refused.update(_tell(deps, call, topic, list(owners), places_of))
    return outcome


def _turn(device: Device, *, topic: str, change: Change, refused: dict[str, str]) -> Device | None:
    """Decide one device, and note why it is refused, as it is then."""
    refused.pop(device.id, None)
    if device.is_deleted:
        refused[device.id] = UNKNOWN_DEVICE
        return None
    if change is Change.UNSUBSCRIBE:
        return leave_topic(device, topic)
    if not has_room(device.topics, topic):
        refused[device.id] = TOO_MANY
        return None
    return join_topic(device, topic)


def _change(deps: Deps, call: Call, topic: str, profile_ids: Sequence[str], change: Change, outcome: Changed) -> Mapping[str, str]:
    """Store the profiles' change; returns why which of them were refused."""
    audit, now = _entry(deps, call, "profile", topic, change), deps.clock.now()
    refused: dict[str, str] = {}
    for piece in split(profile_ids, PIECE):
        decide = partial(_turn_profile, topic=topic, change=change, now=now, refused=refused)
        outcome.changed += len(deps.profiles.update_many(call.tenant, piece, decide, audit))
    return refused


def _turn_profile(profile: Profile, *, topic: str, change: Change, now: datetime, refused: dict[str, str]) -> Profile | None:
    refused.pop(profile.id, None)
    if profile.state is not ProfileState.ACTIVE:
        refused[profile.id] = UNKNOWN_PROFILE
        return None
    if change is Change.UNSUBSCRIBE:
        return unfollow_topic(profile, topic, now)
    if not has_room(profile.topics, topic, MOST_PROFILE_NAME_BYTES):
        refused[profile.id] = TOO_MANY
        return None
    return follow_topic(profile, topic, now)


def _find(deps: Deps, tenant: str, addresses: Sequence[Address]) -> Mapping[Address, Profile]:
    distinct = list(dict.fromkeys(addresses))
    ids = [address for address in distinct if address.kind is AddressKind.PROFILE]
    by_id = {profile.id: profile for piece in split(ids, PIECE) for profile in deps.profiles.get_many(tenant, [each.value for each in piece])}
    found = {address: by_id[address.value] for address in ids if address.value in by_id}
    names = [address for address in distinct if address.kind is not AddressKind.PROFILE]
    return found | (dict(deps.profiles.find(tenant, names)) if names else {})


def _tell(deps: Deps, call: Call, topic: str, device_ids: Sequence[str], places_of: Callable[[str], Iterable[int]]) -> dict[int, str]:
    """Tell FCM of the first devices at once and of the others by tasks; returns what it refused for good, by place."""
    told = tell_fcm(deps, call.tenant, device_ids[:TOLD_AT_ONCE], call.request_id, most=TOLD_AT_ONCE, within=WAIT) if device_ids else {}
    nudge_devices(deps, call.tenant, device_ids[TOLD_AT_ONCE:], call.request_id)
    final = ((each, outcome) for each, outcome in told.items() if each.topic == topic and outcome.action in {SyncAction.GONE, SyncAction.FAILED})
    return {place: f"FCM refused it: {outcome.code}" for each, outcome in final for place in places_of(each.device_id)}


def _entry(deps: Deps, call: Call, resource: str, topic: str, change: Change) -> AuditEntry:
    return AuditEntry(f"{resource}.{change.value}d", call.actor, deps.clock.now(), facts={"topic": topic})
