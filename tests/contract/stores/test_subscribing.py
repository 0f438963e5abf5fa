"""Subscribing over each kind of store: nobody is lost on the way, whoever comes between."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from fanfare.adapters.system import SystemIdentifiers
from fanfare.domain.address import Address, AddressKind
from fanfare.domain.registration import Details
from fanfare.domain.spreading import SETTLE_AFTER
from fanfare.domain.topic import DELETE_AFTER
from fanfare.ports import Deps
from fanfare.services.delete_topic import delete_topic, go_on_deleting
from fanfare.services.profiles import NewProfile, create_profile
from fanfare.services.register_devices import register_device
from fanfare.services.settle_topics import settle_topics
from fanfare.services.subscribe import Change, change_devices, change_profiles
from fanfare.services.sync_topics import sync_topics
from fanfare.services.topics import create_topic, get_topic
from tests.contract.stores.racing import race
from tests.contract.stores.real import Stores
from tests.factories import a_call, a_registration, a_token
from tests.fakes import RecordingTaskQueue, ScriptedTopicSubscriber, fake_deps

CALL = a_call()
ALICE = Address(AddressKind.USERNAME, "alice")


@pytest.fixture
def deps(stores: Stores, tenant: str) -> Deps:
    """Services over these stores, with a topic and a profile."""
    assert tenant == CALL.tenant
    # What is due at once is due by the server's clock, which shows the real time.
    stores.clock.at = datetime.now(UTC)
    names = ("clock", "tenants", "profiles", "devices", "topics", "subscriptions", "audit")
    given: dict[str, Any] = {name: getattr(stores, name) for name in names}
    deps = fake_deps(**given, identifiers=SystemIdentifiers(), tasks=RecordingTaskQueue(), subscriber=ScriptedTopicSubscriber())
    create_topic(deps, CALL, "news", None)
    create_profile(deps, CALL, NewProfile(username="alice"))
    return deps


def _register(deps: Deps, name: str, device_id: str | None = None) -> str:
    registration = a_registration(target=a_token(name), profile=ALICE, details=Details(device_id=device_id))
    return register_device(deps, CALL, registration).device.id


def _sync_all(deps: Deps) -> set[str]:
    """Tell FCM everything that is pending, whenever it is due; returns whom FCM knows to be subscribed to `news`."""
    devices = deps.devices.list_stored(CALL.tenant, 100, None).items
    sync_topics(deps, CALL.tenant, [device.id for device in devices], "task")
    known: set[tuple[str, str]] = deps.subscriber.known  # type: ignore[attr-defined]
    return {target for target, topic in known if topic == "news"}


def _targets(*names: str) -> set[str]:
    return {a_token(name).value for name in names}


def test_subscription_reaches_fcm_and_follows_a_new_target(deps: Deps) -> None:
    device = _register(deps, "old", "install")
    assert change_devices(deps, CALL, "news", [device], Change.SUBSCRIBE).changed == 1
    assert _register(deps, "fresh", "install") == device
    assert _sync_all(deps) == _targets("fresh"), "the old target has been taken leave of"
    assert deps.devices.get(CALL.tenant, [device])[0].topic_sync.pending == ()


def test_registrations_beside_a_profiles_subscription_are_subscribed_in_the_end(deps: Deps, stores: Stores) -> None:
    names = [f"d{number}" for number in range(6)]
    for name in names[:3]:
        _register(deps, name)
    race(
        [
            lambda: change_profiles(deps, CALL, "news", [ALICE], Change.SUBSCRIBE).changed,
            *(lambda name=name: len(_register(deps, name)) for name in names[3:]),  # type: ignore[misc]
        ]
    )
    stores.clock.advance(SETTLE_AFTER)
    settle_topics(deps, "tick")
    assert _sync_all(deps) == _targets(*names)
    assert deps.subscriptions.find_untold(stores.clock.now(), 10) == []


def test_simultaneous_changes_leave_fcm_and_devices_of_one_mind(deps: Deps, stores: Stores) -> None:
    devices = [_register(deps, f"d{number}") for number in range(4)]
    race(
        [
            *(lambda: change_devices(deps, CALL, "news", devices, Change.SUBSCRIBE).changed for _ in range(2)),
            *(lambda: change_devices(deps, CALL, "news", devices, Change.UNSUBSCRIBE).changed for _ in range(2)),
        ]
    )
    for _ in range(3):
        stores.clock.advance(SETTLE_AFTER)
        known = _sync_all(deps)
    stored = deps.devices.get(CALL.tenant, devices)
    assert known == {device.target.value for device in stored if "news" in device.topics}
    assert all(device.topic_sync.pending == () for device in stored)


def test_deleted_topic_leaves_nobody_subscribed_whoever_comes_meanwhile(deps: Deps, stores: Stores) -> None:
    change_profiles(deps, CALL, "news", [ALICE], Change.SUBSCRIBE)
    race([lambda: delete_topic(deps, CALL, "news"), *(lambda name=name: _register(deps, name) for name in ("d0", "d1", "d2"))])  # type: ignore[misc]
    stores.clock.advance(DELETE_AFTER)
    settle_topics(deps, "tick")
    go_on_deleting(deps, CALL.tenant, "task")
    assert _sync_all(deps) == set()
    assert {device.topics for device in deps.devices.list_stored(CALL.tenant, 100, None).items} == {()}
    create_topic(deps, CALL, "news", "again")
    assert get_topic(deps, CALL.tenant, "news").description == "again"
