"""Registering devices, one or a thousand: each target once, each app's device id once per profile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from fanfare.domain.address import Address
from fanfare.domain.batches import split
from fanfare.domain.device import Device
from fanfare.domain.errors import Conflict, FanfareError, InvalidRequest
from fanfare.domain.profile import Profile
from fanfare.domain.registration import Registration, RegistrationPlan, plan_registration
from fanfare.ports import Deps
from fanfare.services.profiles import find_or_create_profiles

COMMIT_SIZE = 100
"""Devices of one commit: with two locks each, and targets of the longest kind, well below Firestore's limits."""
_TRIES = 5


@dataclass(frozen=True, slots=True)
class Registered:
    """A device as it is stored now, and whether it is new."""

    device: Device
    created: bool


def register_device(deps: Deps, tenant: str, registration: Registration) -> Registered:
    """Register one device; raises what is wrong with it."""
    outcome = register_devices(deps, tenant, [registration])[0]
    if isinstance(outcome, FanfareError):
        raise outcome
    return outcome


def register_devices(deps: Deps, tenant: str, registrations: Sequence[Registration]) -> list[Registered | FanfareError]:
    """Register devices and return, in their order, what became of each. Registrations that concern one target are performed in their order."""
    profiles = find_or_create_profiles(deps, tenant, [registration.profile for registration in registrations])
    outcomes: dict[int, Registered | FanfareError] = {}
    for round_ in _rounds(registrations, profiles):
        for piece in split(round_, COMMIT_SIZE):
            outcomes.update(_register_piece(deps, tenant, piece, profiles))
    return [outcomes[index] for index in range(len(registrations))]


_Item = tuple[int, Registration]


def _rounds(registrations: Sequence[Registration], profiles: Mapping[Address, Profile]) -> list[list[_Item]]:
    """Sort registrations into rounds in which no target and no install occurs twice: one commit can't create a lock twice.

    An install is known by its profile, which one registration may name by id and another by username.
    """
    rounds: list[list[_Item]] = []
    taken: list[set[object]] = []
    for index, registration in enumerate(registrations):
        owner = profiles.get(registration.profile)
        names = {registration.target.value, (owner.id if owner else None, registration.details.device_id or index)}
        free = next((number for number in range(len(rounds)) if all(names.isdisjoint(later) for later in taken[number:])), len(rounds))
        if free == len(rounds):
            rounds.append([])
            taken.append(set())
        rounds[free].append((index, registration))
        taken[free] |= names
    return rounds


def _register_piece(deps: Deps, tenant: str, piece: Sequence[_Item], profiles: Mapping[Address, Profile]) -> dict[int, Registered | FanfareError]:
    known_profile = [(index, registration) for index, registration in piece if registration.profile in profiles]
    outcomes: dict[int, Registered | FanfareError] = {
        index: InvalidRequest.at("profile_id", "names no profile") for index, registration in piece if registration.profile not in profiles
    }
    if known_profile:
        outcomes.update(_save(deps, tenant, known_profile, profiles))
    return outcomes


def _save(deps: Deps, tenant: str, piece: Sequence[_Item], profiles: Mapping[Address, Profile]) -> dict[int, Registered | FanfareError]:
    """Save together; if another writer was faster, each by itself, so that only the contested ones are tried again."""
    for _ in range(_TRIES):
        plans = _plan(deps, tenant, [registration for _, registration in piece], profiles)
        if deps.devices.save(tenant, plans):
            return {
                index: Registered(replace(plan.device, updated_at=deps.clock.now()), plan.created)
                for (index, _), plan in zip(piece, plans, strict=True)
            }
        if len(piece) > 1:
            return {index: outcome for item in piece for index, outcome in _save(deps, tenant, [item], profiles).items()}
    return {index: Conflict("Other registrations of this device are under way.") for index, _ in piece}


def _plan(deps: Deps, tenant: str, registrations: Sequence[Registration], profiles: Mapping[Address, Profile]) -> list[RegistrationPlan]:
    owned = [(registration, profiles[registration.profile]) for registration in registrations]
    now = deps.clock.now()
    return [
        plan_registration(registration, profile, known, now=now, new_id=deps.identifiers.new_id())
        for (registration, profile), known in zip(owned, deps.devices.find_known(tenant, owned), strict=True)
    ]
