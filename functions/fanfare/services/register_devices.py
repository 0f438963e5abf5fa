"""Registering devices, one or a thousand: each target once, each app's device id once per profile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from fanfare.domain.address import Address
from fanfare.domain.audit import AuditEntry, trail
from fanfare.domain.batches import split, split_by_weight
from fanfare.domain.call import Call
from fanfare.domain.device import Device
from fanfare.domain.device_events import states_of
from fanfare.domain.errors import Conflict, FanfareError, Forbidden
from fanfare.domain.profile import Profile
from fanfare.domain.registration import HEAVIEST_COMMIT, Registration, RegistrationPlan, noted, plan_registration, weight_of
from fanfare.ports import Deps
from fanfare.services.announce_devices import device_events
from fanfare.services.check_targets import check_targets
from fanfare.services.new_events import nudge_deliveries
from fanfare.services.nudge_topics import nudge
from fanfare.services.own_devices import find_foreign
from fanfare.services.profiles import find_or_create_profiles, owner_or_refusal

READ_AT_ONCE = 500
COMMIT_SIZE = 125
"""Devices of one commit, with two locks each; fewer where they are heavy (`weight_of`)."""
_TRIES = 5


@dataclass(frozen=True, slots=True)
class Registered:
    """A device as it is stored now, and whether it is new."""

    device: Device
    created: bool


def register_device(deps: Deps, call: Call, registration: Registration) -> Registered:
    """Register one device; raises what is wrong with it."""
    outcome = register_devices(deps, call, [registration])[0]
    if isinstance(outcome, FanfareError):
        raise outcome
    return outcome


def register_devices(deps: Deps, call: Call, registrations: Sequence[Registration]) -> list[Registered | FanfareError]:
    """Register devices and return, in their order, what became of each. Registrations that concern one target are performed in their order.

    Nobody is made for a registration that is refused.
    """
    outcomes: dict[int, Registered | FanfareError] = {**_refused(deps, call, registrations)}
    items = [(index, registration) for index, registration in enumerate(registrations) if index not in outcomes]
    profiles = find_or_create_profiles(deps, call, [registration.profile for _, registration in items])
    for round_ in _rounds(items, profiles):
        outcomes.update(_register_round(deps, call, round_, profiles))
    return [outcomes[index] for index in range(len(registrations))]


_Item = tuple[int, Registration]


def _refused(deps: Deps, call: Call, registrations: Sequence[Registration]) -> dict[int, FanfareError]:
    """What may not be registered: for somebody else, or a target that FCM was to know and does not."""
    foreign = find_foreign(deps, call, [registration.profile for registration in registrations])
    refused: dict[int, FanfareError] = {
        index: Forbidden("A user may register devices for itself only.")
        for index, registration in enumerate(registrations)
        if registration.profile in foreign
    }
    asked = [(index, registration.target) for index, registration in enumerate(registrations) if registration.checked and index not in refused]
    unknown = check_targets(deps, call.tenant, [target for _, target in asked])
    return refused | {index: unknown[target] for index, target in asked if target in unknown}


def _rounds(items: Sequence[_Item], profiles: Mapping[Address, Profile]) -> list[list[_Item]]:
    """Sort registrations into rounds in which no target and no install occurs twice: one commit can't create a lock twice.

    An install is known by its profile, which one registration may name by id and another by username.
    """
    rounds: list[list[_Item]] = []
    taken: list[set[object]] = []
    for index, registration in items:
        owner = profiles.get(registration.profile)
        names = {registration.target.value, (owner.id if owner else None, registration.details.device_id or index)}
        free = next((number for number in range(len(rounds)) if all(names.isdisjoint(later) for later in taken[number:])), len(rounds))
        if free == len(rounds):
            rounds.append([])
            taken.append(set())
        rounds[free].append((index, registration))
        taken[free] |= names
    return rounds


def _register_round(deps: Deps, call: Call, round_: Sequence[_Item], profiles: Mapping[Address, Profile]) -> dict[int, Registered | FanfareError]:
    owners = {index: owner_or_refusal(profiles.get(registration.profile)) for index, registration in round_}
    outcomes: dict[int, Registered | FanfareError] = {index: owner for index, owner in owners.items() if isinstance(owner, FanfareError)}
    owned = [item for item in round_ if item[0] not in outcomes]
    for page in split(owned, READ_AT_ONCE):
        outcomes.update(_save_page(deps, call, page, profiles))
    return outcomes


def _save_page(deps: Deps, call: Call, page: Sequence[_Item], profiles: Mapping[Address, Profile]) -> dict[int, Registered | FanfareError]:
    """Save in a few commits at once; where another writer was faster, each of a commit by itself, so that only the contested ones are tried again."""
    planned = list(zip(page, _plan(deps, call, [registration for _, registration in page], profiles), strict=True))
    pieces = list(split_by_weight(planned, lambda pair: weight_of(pair[1]), most=COMMIT_SIZE, heaviest=HEAVIEST_COMMIT))
    batches = [[plan for _, plan in piece] for piece in pieces]
    entries = [_entry(deps, call, plans) for plans in batches]
    stored = deps.devices.save_all(call.tenant, list(zip(batches, entries, strict=True)))
    outcomes: dict[int, Registered | FanfareError] = {}
    for piece, plans, entry, is_stored in zip(pieces, batches, entries, stored, strict=True):
        if is_stored:
            outcomes.update(_registered(deps, call, [item for item, _ in piece], plans, entry))
        else:
            outcomes.update((item[0], _save_alone(deps, call, item, profiles)) for item, _ in piece)
    return outcomes


def _save_alone(deps: Deps, call: Call, item: _Item, profiles: Mapping[Address, Profile]) -> Registered | FanfareError:
    for _ in range(_TRIES):
        plans = _plan(deps, call, [item[1]], profiles)
        entry = _entry(deps, call, plans)
        if deps.devices.save(call.tenant, plans, entry):
            return _registered(deps, call, [item], plans, entry)[item[0]]
    return Conflict("Other registrations of this device are under way.")


def _registered(deps: Deps, call: Call, items: Sequence[_Item], plans: Sequence[RegistrationPlan], entry: AuditEntry) -> dict[int, Registered]:
    nudge(deps, call.tenant, plans, call.request_id)
    nudge_deliveries(deps, entry.events)
    now = deps.clock.now()
    return {index: Registered(replace(plan.device, updated_at=now), plan.created) for (index, _), plan in zip(items, plans, strict=True)}


def _entry(deps: Deps, call: Call, plans: Sequence[RegistrationPlan]) -> AuditEntry:
    """One entry for one commit: what changed where it is one device, and which devices where they are many."""
    action = "device.registered" if any(plan.created for plan in plans) else "device.refreshed"
    events = device_events(deps, call.tenant, states_of(plans), call.request_id)
    if len(plans) == 1:
        return replace(trail(action, call.actor, deps.clock.now())(plans[0].previous, plans[0].device), events=events)
    return AuditEntry(action, call.actor, deps.clock.now(), tuple(plan.device.id for plan in plans), events=events)


def _plan(deps: Deps, call: Call, registrations: Sequence[Registration], profiles: Mapping[Address, Profile]) -> list[RegistrationPlan]:
    owned = [(registration, profiles[registration.profile]) for registration in registrations]
    now = deps.clock.now()
    return [
        noted(plan_registration(registration, profile, known, now=now, new_id=deps.identifiers.new_id(), leave_shared=call.user is not None))
        for (registration, profile), known in zip(owned, deps.devices.find_known(call.tenant, owned), strict=True)
    ]
