"""What becomes of a registration: a new device, a refreshed one, or one whose target is replaced.

| target known | app's device_id known in the profile | outcome |
|---|---|---|
| no  | no            | a new device |
| yes | no, or of the same device | that device is refreshed (and moves to the profile that registered it, or is shared with it) |
| no  | yes           | that device gets the new target: a refreshed token must not ring twice |
| yes | of another device | the target's device is refreshed; the other one has lost its install and is deactivated |

Where `leave_shared` is set (whoever registers is a user of the app), an install that others share is left to them with the target that it has:
otherwise one of its users would receive from then on what is sent to the others.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from fanfare.domain.address import Address
from fanfare.domain.device import Device, InactiveReason
from fanfare.domain.keepalive import restarted
from fanfare.domain.message import Platform
from fanfare.domain.ownership import has_living_owner, heed_owners, latest_owner, owner_of, with_owners
from fanfare.domain.profile import Profile
from fanfare.domain.subscribing import note_changes, retry_refused
from fanfare.domain.target import Target

_OF_TARGET = frozenset(
    {InactiveReason.UNREGISTERED, InactiveReason.SENDER_ID_MISMATCH, InactiveReason.INVALID_TARGET, InactiveReason.REPLACED, InactiveReason.IDLE},
)
"""Reasons that concern a device's target and end with it; the others are somebody's will."""


@dataclass(frozen=True, slots=True)
class Details:
    """What an app tells of its device. `None` means "not said" and leaves what is stored."""

    device_id: str | None = None
    app_version: str | None = None
    os_version: str | None = None
    model: str | None = None
    locale: str | None = None
    timezone: str | None = None
    tags: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Registration:
    """One device as an app registers it: `shared` adds the owner instead of moving, `checked` wants FCM to know the target."""

    target: Target
    platform: Platform | None
    profile: Address
    details: Details
    shared: bool = False
    checked: bool = False


@dataclass(frozen=True, slots=True)
class Known:
    """What is stored about a registration's target and about its install (the app's device_id within the profile)."""

    by_target: Device | None = None
    by_install: Device | None = None


@dataclass(frozen=True, slots=True)
class Displacement:
    """A device that loses its install to another one: as it was read, and as it is to be stored."""

    before: Device
    after: Device


@dataclass(frozen=True, slots=True)
class RegistrationPlan:
    """The device to store. `previous` is its stored state, `displaced` another device that lost its install to it."""

    device: Device
    previous: Device | None = None
    displaced: Displacement | None = None

    @property
    def created(self) -> bool:
        """Tell whether the device is new."""
        return self.previous is None


HEAVIEST_COMMIT = 2_000_000
"""Of the weights of its plans: a commit holds 3 MiB at most."""
_DEVICE_WEIGHT, _OWNER_WEIGHT = 3_000, 1_500
"""Bytes of a device's fields and its target's lock without their longer values; of an owner with its names, its hashes and its install's lock."""


def weight_of(plan: RegistrationPlan) -> int:
    """How much of a commit a plan takes, in bytes at the most: a topic's name stands in a device up to four times."""
    devices = [plan.device, *([plan.displaced.after] if plan.displaced else [])]
    return sum(map(_weight_of, devices))


def _weight_of(device: Device) -> int:
    texts = sum(4 * len(tag) + 20 for tag in device.tags) + sum(4 * (len(topic) + 20) for topic in device.topics)
    return _DEVICE_WEIGHT + _OWNER_WEIGHT * len(device.owners) + len(device.target.value) + texts


def noted(plan: RegistrationPlan) -> RegistrationPlan:
    """A plan as it is stored: with what FCM does not know yet of its devices."""
    displaced = plan.displaced
    if displaced is not None:
        displaced = replace(displaced, after=note_changes(displaced.before, displaced.after))
    return replace(plan, device=note_changes(plan.previous, plan.device), displaced=displaced)


def plan_registration(
    registration: Registration, profile: Profile, known: Known, *, now: datetime, new_id: str, leave_shared: bool = False
) -> RegistrationPlan:
    """Decide what a registration does to what is known."""
    left = _left(known, profile, now) if leave_shared else None
    previous = known.by_target or (known.by_install if left is None else None)
    displaced = left or _displaced(known, now)
    if previous is None:
        return RegistrationPlan(_new_device(registration, profile, now, new_id), displaced=displaced)
    return RegistrationPlan(_refreshed(previous, registration, profile, now), previous, displaced)


def apply_details(device: Device, details: Details) -> Device:
    """Overwrite what the app said and leave the rest."""
    said = {name: value for name in Details.__slots__ if (value := getattr(details, name)) is not None}
    return replace(device, **said)


def own(device: Device, profile: Profile, *, shared: bool, device_id: str | None) -> Device:
    """Give a device to a profile: alone, or beside its present owners. `device_id` is the app's name for it there, None if it did not say one.

    A profile that owns the device already keeps it as it is: refreshing a shared device must not take it from the others.
    """
    present = next((owner for owner in device.owners if owner.profile_id == profile.id), None)
    installed_as = device_id or (present.installed_as if present else None)
    # The profile may have been read before a change of which the device knows already.
    owner = latest_owner(present, owner_of(profile, installed_as))
    others = tuple(other for other in device.owners if other.profile_id != profile.id) if shared or present else ()
    name = next((each.installed_as for each in (owner, *others) if each.installed_as is not None), None)
    return replace(with_owners(device, (*others, owner)), device_id=name)


def disown(device: Device, profile_id: str) -> Device:
    """Take a shared device from one of its profiles; the others keep it, and what they call it."""
    owners = tuple(owner for owner in device.owners if owner.profile_id != profile_id)
    return replace(with_owners(device, owners), device_id=next((owner.installed_as for owner in owners if owner.installed_as is not None), None))


def retarget(device: Device, target: Target, now: datetime) -> Device:
    """Give a device a new target, by which its app has been heard of; what FCM or a rival install had against the old one no longer counts."""
    if target == device.target:
        return device
    renewed = replace(device, target=target, last_seen_at=now, keepalive=restarted(device.keepalive))
    return revive(renewed) if device.inactive_reason in _OF_TARGET else renewed


def revive(device: Device) -> Device:
    """Make a device receive again, once an owner of it is not deleted; the evidence of an earlier retirement goes with its cause."""
    if not has_living_owner(device):
        return replace(device, active=False, inactive_reason=InactiveReason.PROFILE_DELETED, retirement=None)
    return replace(device, active=True, inactive_reason=None, inactive_since=None, retirement=None)


def deactivate(device: Device, reason: InactiveReason, at: datetime) -> Device:
    """Make a device receive nothing, its target kept."""
    return replace(device, active=False, inactive_reason=reason, inactive_since=at)


def _new_device(registration: Registration, profile: Profile, now: datetime, new_id: str) -> Device:
    device = Device(new_id, registration.target, registration.platform or Platform.ANDROID, (), created_at=now, last_seen_at=now)
    return apply_details(own(device, profile, shared=False, device_id=registration.details.device_id), registration.details)


def _refreshed(previous: Device, registration: Registration, profile: Profile, now: datetime) -> Device:
    device = replace(previous, target=registration.target, platform=registration.platform or previous.platform, last_seen_at=now)
    owned = own(device, profile, shared=registration.shared, device_id=registration.details.device_id)
    return retry_refused(revive(apply_details(replace(owned, keepalive=restarted(owned.keepalive)), registration.details)))


def _left(known: Known, profile: Profile, now: datetime) -> Displacement | None:
    """The install that a profile leaves to the others who share it, because it has another target now."""
    shared = known.by_install
    if shared is None or len(shared.owners) < 2 or (known.by_target is not None and known.by_target.id == shared.id):
        return None
    return Displacement(shared, heed_owners(disown(shared, profile.id), now))


def _displaced(known: Known, now: datetime) -> Displacement | None:
    if known.by_target is None or known.by_install is None or known.by_target.id == known.by_install.id:
        return None
    without_installs = tuple(replace(owner, installed_as=None) for owner in known.by_install.owners)
    lost = replace(known.by_install, device_id=None, owners=without_installs)
    # One that was deleted or retired stays so: why it receives nothing has not changed.
    return Displacement(known.by_install, deactivate(lost, InactiveReason.REPLACED, now) if lost.active else lost)
