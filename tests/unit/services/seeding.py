"""People, their devices and requests to send, put into the fakes of a service's test."""

from __future__ import annotations

from typing import Any

from fanfare.domain.address import Address, AddressKind
from fanfare.domain.device import Device, Owner
from fanfare.domain.message import Message
from fanfare.domain.profile import Profile
from fanfare.domain.registration import RegistrationPlan
from fanfare.domain.segment import Segment
from fanfare.domain.send_request import Addressees, SendRequest
from fanfare.domain.shard import select
from fanfare.ports import Deps
from fanfare.services.compact_audience import compact_audience
from tests.factories import TENANT_ID, a_device, a_profile


def add_profile(deps: Deps, profile_id: str = "profile-1", *, tenant: str = TENANT_ID, **fields: Any) -> Profile:
    profile, created = deps.profiles.create(tenant, a_profile(id=profile_id, **fields))
    assert created
    return profile


def add_devices(deps: Deps, *devices: Device, tenant: str = TENANT_ID) -> None:
    assert deps.devices.save(tenant, [RegistrationPlan(device) for device in devices])


def device_of(*profiles: Profile, **fields: Any) -> Device:
    """A device as its registration for these profiles would have made it."""
    return a_device(owners=tuple(Owner(profile.id, profile.username, profile.addresses) for profile in profiles), **fields)


def stored_device(deps: Deps, device_id: str = "device-1") -> Device:
    return deps.devices.get(TENANT_ID, [device_id])[0]


def username(value: str) -> Address:
    return Address(AddressKind.USERNAME, value)


def profile_id(value: str) -> Address:
    return Address(AddressKind.PROFILE, value)


def a_request(to: Addressees, **fields: Any) -> SendRequest:
    """A request to send a short message."""
    raw = {"title": "Order confirmed"}
    usual: dict[str, Any] = {"to": to, "only": Segment(), "message": Message(title="Order confirmed"), "raw": raw, "request_hash": "hash-1"}
    return SendRequest(**usual | fields)


def audience_of(deps: Deps, *segments: Segment) -> list[str]:
    """The ids of the devices that a broadcast would reach now, once the audience is up to date."""
    assert compact_audience(deps, TENANT_ID, "request")
    audience = deps.audience.get(TENANT_ID)
    assert audience is not None
    shards = deps.audience.read_shards(TENANT_ID, audience.generation, range(audience.shards))
    return sorted(row.device_id for shard in shards for row in select(shard, segments, deps.clock.now()))
