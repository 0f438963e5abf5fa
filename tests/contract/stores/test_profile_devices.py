"""A profile's changes and its devices, over each kind of store: nobody is lost on the way, whoever comes between."""

from __future__ import annotations

from typing import Any

import pytest

from fanfare.adapters.system import SystemIdentifiers
from fanfare.domain.address import Address, AddressKind
from fanfare.domain.errors import Conflict
from fanfare.domain.filters import NotificationFilter
from fanfare.domain.forgetting import FORGOTTEN
from fanfare.domain.spreading import SETTLE_AFTER
from fanfare.ports import Deps
from fanfare.services.change_profile import delete_profile, erase_profile, restore_profile, update_profile
from fanfare.services.profiles import NewProfile, create_profile
from fanfare.services.register_devices import register_device, register_devices
from fanfare.services.settle_profile import settle_profiles
from tests.contract.stores.racing import race
from tests.contract.stores.real import Stores
from tests.factories import a_call, a_notification, a_recipient, a_registration, a_token
from tests.fakes import fake_deps

DEVICES = 12


@pytest.fixture
def deps(stores: Stores, tenant: str) -> Deps:
    """Services over these stores."""
    assert tenant == a_call().tenant
    given: dict[str, Any] = {name: getattr(stores, name) for name in ("clock", "profiles", "devices", "notifications", "audit")}
    return fake_deps(**given, identifiers=SystemIdentifiers())


def _name(value: str) -> Address:
    return Address(AddressKind.USERNAME, value)


def _register(deps: Deps, username: str, *names: str, shared: bool = False) -> None:
    registrations = [a_registration(target=a_token(name), profile=_name(username), shared=shared) for name in names]
    assert not [outcome for outcome in register_devices(deps, a_call(), registrations) if isinstance(outcome, Exception)]


def _reached(deps: Deps, *usernames: str) -> list[str]:
    found = deps.devices.find_active(a_call().tenant, [_name(username) for username in usernames], 100)
    return sorted(device.target.value for device in found)


def _targets(*names: str) -> list[str]:
    return sorted(a_token(name).value for name in names)


def test_rename_takes_every_device_along(deps: Deps) -> None:
    alice = create_profile(deps, a_call(), NewProfile(username="alice"))
    names = [f"d{number}" for number in range(DEVICES)]
    _register(deps, "alice", *names)
    update_profile(deps, a_call(), alice.id, {"username": "alicia", "phone_number": "+1"})
    assert _reached(deps, "alicia") == _targets(*names)
    assert _reached(deps, "alice") == []


def test_simultaneous_renames_and_registrations_lose_no_device(deps: Deps, stores: Stores) -> None:
    alice = create_profile(deps, a_call(), NewProfile(username="alice"))
    names = [f"d{number}" for number in range(DEVICES)]
    _register(deps, "alice", *names)
    late = [f"late{number}" for number in range(4)]
    by_id = Address(AddressKind.PROFILE, alice.id)
    race(
        [
            *(lambda name=name: update_profile(deps, a_call(), alice.id, {"username": name}) for name in ("a1", "a2", "a3")),  # type: ignore[misc]
            *(lambda name=name: register_device(deps, a_call(), a_registration(target=a_token(name), profile=by_id)) for name in late),  # type: ignore[misc]
        ]
    )
    stores.clock.advance(SETTLE_AFTER)
    assert settle_profiles(deps) == 1
    last = deps.profiles.get(a_call().tenant, alice.id)
    assert last is not None
    assert _reached(deps, last.username or "") == _targets(*names, *late)
    assert _reached(deps, *({"alice", "a1", "a2", "a3"} - {last.username or ""})) == []
    for given_up in {"alice", "a1", "a2", "a3"} - {last.username}:
        create_profile(deps, a_call(), NewProfile(username=given_up))


def test_deleted_person_is_not_reached_until_it_is_restored(deps: Deps) -> None:
    alice = create_profile(deps, a_call(), NewProfile(username="alice"))
    _register(deps, "alice", "own", "shared")
    _register(deps, "bob", "shared", shared=True)
    delete_profile(deps, a_call(), alice.id)
    assert (_reached(deps, "alice"), _reached(deps, "bob")) == ([], _targets("shared"))
    with pytest.raises(Conflict):
        register_device(deps, a_call(), a_registration(target=a_token("new"), profile=_name("alice")))
    restore_profile(deps, a_call(), alice.id)
    assert (_reached(deps, "alice"), _reached(deps, "bob")) == (_targets("own", "shared"), _targets("shared"))


def test_erased_person_leaves_what_is_others_and_nothing_else(deps: Deps, stores: Stores) -> None:
    tenant = a_call().tenant
    alice = create_profile(deps, a_call(), NewProfile(username="alice", external_id="crm"))
    _register(deps, "alice", "own", "shared")
    _register(deps, "bob", "shared", shared=True)
    request = {"title": "Hi", "to": {"usernames": ["alice", "bob"]}}
    for number in range(3):
        deps.notifications.accept(a_notification(id=f"n{number}", tenant=tenant, usernames=("alice", "bob"), request=request), [a_recipient()])
    erase_profile(deps, a_call(), alice.id)
    assert (_reached(deps, "alice"), _reached(deps, "bob")) == ([], _targets("shared"))
    assert deps.devices.list_of_profile(tenant, alice.id, 10, None).items == []
    assert deps.notifications.list(tenant, NotificationFilter(username="alice"), 10, None).items == []
    kept = deps.notifications.list(tenant, NotificationFilter(username="bob"), 10, None).items
    assert [(found.usernames, found.request["to"]) for found in kept] == [(("bob",), {"usernames": [FORGOTTEN, "bob"]})] * 3
    successor = create_profile(deps, a_call(), NewProfile(username="alice", external_id="crm"))
    _register(deps, "alice", "own")
    assert _reached(deps, "alice") == _targets("own")
    stores.clock.advance(SETTLE_AFTER)
    assert settle_profiles(deps) == 1
    assert deps.profiles.get(tenant, alice.id) is None
    assert deps.profiles.get(tenant, successor.id) == successor


def test_at_most_so_many_notifications_forget_a_name_in_one_call(deps: Deps) -> None:
    tenant = a_call().tenant
    for number in range(3):
        deps.notifications.accept(a_notification(id=f"n{number}", tenant=tenant, usernames=("alice",)), [a_recipient()])
    assert [deps.notifications.forget_username(tenant, "alice", 2) for _ in range(3)] == [2, 1, 0]


def test_long_requests_forget_a_name_too(deps: Deps) -> None:
    """Together they are longer than one commit may be."""
    tenant, request = a_call().tenant, {"body": "x" * 200_000, "to": {"usernames": ["alice"]}}
    for number in range(24):
        deps.notifications.accept(a_notification(id=f"n{number}", tenant=tenant, usernames=("alice",), request=request), [a_recipient()])
    assert [deps.notifications.forget_username(tenant, "alice", 100) for _ in range(2)] == [24, 0]
