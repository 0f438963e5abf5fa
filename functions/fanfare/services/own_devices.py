"""What an app's user may do: register, refresh and delete its own devices, those of the profile whose external id is the user's uid.

A client (a back end) may do everything in its tenant. Another user's device answers like one that is not there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from fanfare.domain.address import Address, AddressKind
from fanfare.domain.call import Call
from fanfare.domain.device import Device
from fanfare.domain.errors import InvalidRequest, NotFound
from fanfare.domain.profile import Profile
from fanfare.ports import Deps


def claimed_by(call: Call, named: Address | None) -> Address:
    """Whose a device is to be: the profile that the request names, else the user's own; InvalidRequest for a client that names none."""
    if named is not None:
        return named
    if call.user is None:
        raise InvalidRequest.at("body", "give exactly one of profile_id, username, phone_number")
    return Address(AddressKind.EXTERNAL, call.user)


def find_foreign(deps: Deps, call: Call, addresses: Iterable[Address]) -> frozenset[Address]:
    """Which of the named profiles a user may not register for: everybody's but its own, whether they exist or not. None for a client."""
    if call.user is None:
        return frozenset()
    own = Address(AddressKind.EXTERNAL, call.user)
    named = [address for address in dict.fromkeys(addresses) if address != own]
    found = deps.profiles.find(call.tenant, named) if named else {}
    return frozenset(address for address in named if address not in found or found[address].external_id != call.user)


def check_own(deps: Deps, call: Call, device: Device) -> Profile | None:
    """Raise NotFound unless the device is the user's own; returns the user's profile, None for a client."""
    if call.user is None:
        return None
    own = Address(AddressKind.EXTERNAL, call.user)
    profile = deps.profiles.find(call.tenant, [own]).get(own)
    if profile is None or profile.id not in device.profile_ids:
        raise NotFound.of("device")
    return profile


def seen_by(deps: Deps, call: Call, device: Device) -> Device:
    """A device as its caller may see it: a user who shares it learns nothing of the others."""
    if call.user is None or len(device.owners) == 1:
        return device
    user = check_own(deps, call, device)
    own = tuple(owner for owner in device.owners if user is not None and owner.profile_id == user.id)
    return replace(device, owners=own, device_id=own[0].installed_as)
