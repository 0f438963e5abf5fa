"""Devices that are registered, receive nothing any more or receive again are told of, by one event for each commit and kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from fanfare.domain.call import Actor, ActorKind
from fanfare.domain.device import InactiveReason
from fanfare.domain.event import EventKind
from fanfare.domain.registration import Details
from fanfare.domain.retention import Cleaning
from fanfare.ports import Deps
from fanfare.services.change_profile import delete_profile, erase_profile, restore_profile
from fanfare.services.device_states import activate_device, deactivate_device, erase_device
from fanfare.services.devices import delete_device, update_device
from fanfare.services.expire_devices import retire_idle_targets
from fanfare.services.register_devices import register_device, register_devices
from fanfare.services.release_tenant import HeldTargets, release_tenant
from tests.factories import NOW, TENANT_ID, a_call, a_device, a_registration, a_tenant, a_token, an_owner
from tests.fakes import fake_deps
from tests.unit.services.delivering import ANDROID, FOREIGN, GONE, a_chunk_of
from tests.unit.services.listeners import WEBHOOK, listen, told
from tests.unit.services.seeding import add_devices, add_profile, device_of

REGISTERED, DEACTIVATED, REVIVED = EventKind.DEVICE_REGISTERED, EventKind.DEVICE_DEACTIVATED, EventKind.DEVICE_REVIVED


def _heard(**fields: Any) -> Deps:
    """A tenant with one device, and somebody who listens."""
    deps = fake_deps()
    deps.tenants.create(a_tenant())
    alice = add_profile(deps)
    add_devices(deps, device_of(alice, **fields))
    listen(deps)
    return deps


def _said(deps: Deps) -> list[tuple[EventKind, list[tuple[str, str | None]]]]:
    """Each event with its devices and their reasons."""
    return [(event.kind, [(device["id"], device.get("reason")) for device in event.data["devices"]]) for event in told(deps)]


def test_new_device_is_told_and_refreshing_it_is_not() -> None:
    deps = _heard()
    first = register_device(deps, a_call(request_id="request-9"), a_registration(target=a_token("new"))).device
    register_device(deps, a_call(), a_registration(target=a_token("new"), details=Details(app_version="2")))
    [event] = told(deps)
    assert (event.kind, event.request_id) == (REGISTERED, "request-9")
    assert event.data == {"devices": [{"id": first.id, "platform": first.platform.value, "profile_ids": list(first.profile_ids)}]}
    tasks: Any = deps.tasks
    assert [(task.key.webhook_id, task.key.event_id) for task in tasks.webhooks] == [(WEBHOOK, event.id)]


def test_devices_of_one_commit_are_told_together() -> None:
    deps = _heard()
    register_devices(deps, a_call(), [a_registration(target=a_token(f"new-{number}")) for number in range(3)])
    assert [(kind, len(devices)) for kind, devices in _said(deps)] == [(REGISTERED, 3)]


def test_install_that_is_replaced_is_told_with_the_one_that_replaces_it() -> None:
    deps = _heard()
    old = register_device(deps, a_call(), a_registration(target=a_token("old"), details=Details(device_id="phone"))).device
    other = register_device(deps, a_call(), a_registration(target=a_token("other"))).device
    before = len(told(deps))
    register_device(deps, a_call(), a_registration(target=a_token("other"), details=Details(device_id="phone")))
    assert _said(deps)[before:] == [(DEACTIVATED, [(old.id, "replaced")])]
    assert other.id != old.id


@pytest.mark.parametrize(
    ("stop", "reason"),
    [(deactivate_device, "deactivated"), (delete_device, "deleted"), (erase_device, "erased")],
    ids=["deactivated", "deleted", "erased"],
)
def test_device_that_receives_nothing_any_more_is_told_once(stop: Callable[..., object], reason: str) -> None:
    deps = _heard()
    for _ in range(2):
        stop(deps, a_call(), "device-1")
    assert _said(deps) == [(DEACTIVATED, [("device-1", reason)])]
    tasks: Any = deps.tasks
    assert len(tasks.webhooks) == 1


@pytest.mark.parametrize("stop", [delete_device, erase_device])
def test_inactive_device_that_goes_is_told_no_more(stop: Callable[..., object]) -> None:
    deps = _heard(active=False, inactive_reason=InactiveReason.IDLE, inactive_since=NOW)
    stop(deps, a_call(), "device-1")
    assert told(deps) == []


@pytest.mark.parametrize(
    "revive",
    [
        lambda deps: activate_device(deps, a_call(), "device-1"),
        lambda deps: register_device(deps, a_call(), a_registration(target=a_device().target)),
        lambda deps: update_device(deps, a_call(), "device-1", Details(), target=a_token("new"), platform=None, profile=None),
    ],
    ids=["activated", "registered again", "given another target"],
)
def test_device_that_receives_again_is_told(revive: Callable[[Deps], object]) -> None:
    deps = _heard(active=False, inactive_reason=InactiveReason.UNREGISTERED, inactive_since=NOW)
    revive(deps)
    assert _said(deps) == [(REVIVED, [("device-1", None)])]


def test_devices_of_a_profile_are_told_when_it_is_deleted_restored_and_erased() -> None:
    deps = _heard()
    add_devices(deps, a_device(id="device-2", target=a_token("2"), owners=(an_owner("profile-1"), an_owner("profile-2"))))
    delete_profile(deps, a_call(), "profile-1")
    restore_profile(deps, a_call(), "profile-1")
    erase_profile(deps, a_call(), "profile-1")
    assert _said(deps) == [(DEACTIVATED, [("device-1", "profile_deleted")]), (REVIVED, [("device-1", None)]), (DEACTIVATED, [("device-1", "erased")])]


def test_idle_targets_are_told_when_they_are_retired() -> None:
    deps = _heard(last_seen_at=NOW - timedelta(days=400))
    retire_idle_targets(deps, Cleaning(TENANT_ID, NOW, {}, Actor(ActorKind.FUNCTION, "cleanup", request_id="request-1")))
    assert _said(deps) == [(DEACTIVATED, [("device-1", "idle")])]


def test_dead_targets_of_a_pass_are_told_with_the_reason() -> None:
    world = a_chunk_of(*[ANDROID] * 3)
    listen(world.deps, DEACTIVATED)
    world.answer({1: GONE, 3: GONE})
    world.deliver()
    assert _said(world.deps) == [(DEACTIVATED, [("device-1", "unregistered"), ("device-3", "unregistered")])]
    assert told(world.deps)[0].request_id == world.notification().request_id


def test_quarantine_is_told_once_and_what_it_held_when_it_is_retired() -> None:
    world = a_chunk_of(*[ANDROID] * 60, batch_size=30)
    listen(world.deps, EventKind.TENANT_QUARANTINED, DEACTIVATED)
    world.answer(dict.fromkeys(range(1, 51), FOREIGN))
    world.deliver()
    [event] = told(world.deps)
    assert (event.kind, event.notification_ids) == (EventKind.TENANT_QUARANTINED, ("notification-1",))
    assert event.data == {"reason": "sender_id_mismatch", "notification_id": "notification-1", "chunk": 0}
    release_tenant(world.deps, a_call(), TENANT_ID, HeldTargets.RETIRE)
    assert [(kind, len(devices)) for kind, devices in _said_of_devices(world.deps)] == [(DEACTIVATED, 50)]


def _said_of_devices(deps: Deps) -> list[tuple[EventKind, list[str]]]:
    return [(event.kind, [device["id"] for device in event.data["devices"]]) for event in told(deps, DEACTIVATED)]


def test_nothing_is_told_where_nobody_wants_it() -> None:
    deps = replace(_heard())
    listen(deps, EventKind.NOTIFICATION_SENT)
    register_device(deps, a_call(), a_registration(target=a_token("new")))
    deactivate_device(deps, a_call(), "device-1")
    assert told(deps) == []
