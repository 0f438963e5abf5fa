from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from fanfare.domain.call import Call
from fanfare.domain.device import InactiveReason, Retirement
from fanfare.domain.errors import NotFound
from fanfare.domain.filters import DeviceFilter
from fanfare.ports import Deps
from fanfare.services.device_states import activate_device, deactivate_device, erase_device
from fanfare.services.devices import delete_device, get_device
from fanfare.services.register_devices import register_device
from tests.factories import NOW, TENANT_ID, a_call, a_device, a_registration, an_owner
from tests.fakes import MemoryAuditStore, fake_deps
from tests.unit.services.seeding import add_devices, stored_device

SUSPENDED = replace(an_owner(), suspended=True)
PAST = NOW - timedelta(days=10)


def _deps(**fields: Any) -> Deps:
    deps = fake_deps()
    add_devices(deps, a_device(**fields))
    return deps


def _actions(deps: Deps) -> list[tuple[str, tuple[str, ...]]]:
    assert isinstance(deps.audit, MemoryAuditStore)
    return [(entry.action, entry.resource_ids) for _, entry in deps.audit.entries]


@pytest.mark.parametrize("operate", [activate_device, deactivate_device, erase_device])
@pytest.mark.parametrize(("tenant", "device_id"), [(TENANT_ID, "nobody"), ("globex", "device-1")])
def test_unknown_device_and_another_tenants_are_not_found(operate: Callable[[Deps, Call, str], object], tenant: str, device_id: str) -> None:
    deps = _deps()
    with pytest.raises(NotFound):
        operate(deps, a_call(tenant=tenant), device_id)
    assert stored_device(deps).active
    assert _actions(deps) == []


# Activating


@pytest.mark.parametrize("reason", [reason for reason in InactiveReason if reason is not InactiveReason.PROFILE_DELETED])
def test_inactive_device_receives_again_without_the_old_evidence(reason: InactiveReason) -> None:
    deps = _deps(active=False, inactive_reason=reason, inactive_since=PAST, retirement=Retirement("UNREGISTERED", PAST, "n"))
    answer = activate_device(deps, a_call(), "device-1")
    assert answer == stored_device(deps) == replace(a_device(), updated_at=NOW)
    assert _actions(deps) == [("device.activated", ("device-1",))]


def test_deleted_device_is_listed_again_once_it_is_activated() -> None:
    deps = _deps()
    delete_device(deps, a_call(), "device-1")
    activate_device(deps, a_call(), "device-1")
    assert get_device(deps, TENANT_ID, "device-1").active
    assert len(deps.devices.list(TENANT_ID, DeviceFilter(), 10, None).items) == 1


def test_second_activation_changes_nothing() -> None:
    deps = _deps()
    before = stored_device(deps)
    assert activate_device(deps, a_call(), "device-1") == before
    assert (stored_device(deps).revision, _actions(deps)) == (before.revision, [])


def test_deleted_device_of_a_deleted_profile_waits_for_the_profile() -> None:
    deps = _deps(owners=(SUSPENDED,), active=False, inactive_reason=InactiveReason.DELETED)
    assert activate_device(deps, a_call(), "device-1").inactive_reason is InactiveReason.PROFILE_DELETED


# Deactivating


def test_deactivated_device_receives_nothing_and_keeps_its_target() -> None:
    deps = _deps()
    answer = deactivate_device(deps, a_call(), "device-1")
    assert answer == stored_device(deps)
    assert (answer.active, answer.inactive_reason, answer.inactive_since, answer.target) == (
        False,
        InactiveReason.DEACTIVATED,
        NOW,
        a_device().target,
    )
    assert _actions(deps) == [("device.deactivated", ("device-1",))]


@pytest.mark.parametrize("reason", [InactiveReason.DEACTIVATED, InactiveReason.UNREGISTERED, InactiveReason.REPLACED])
def test_device_that_receives_nothing_already_keeps_its_reason_and_its_date(reason: InactiveReason) -> None:
    deps = _deps(active=False, inactive_reason=reason, inactive_since=PAST)
    answer = deactivate_device(deps, a_call(), "device-1")
    assert (answer.inactive_reason, answer.inactive_since, _actions(deps)) == (reason, PAST, [])


def test_deactivated_device_of_a_deleted_profile_stays_so_when_the_profile_is_restored() -> None:
    deps = _deps(owners=(SUSPENDED,), active=False, inactive_reason=InactiveReason.PROFILE_DELETED)
    assert deactivate_device(deps, a_call(), "device-1").inactive_reason is InactiveReason.DEACTIVATED


def test_deleted_device_can_not_be_deactivated() -> None:
    deps = _deps(active=False, inactive_reason=InactiveReason.DELETED)
    with pytest.raises(NotFound):
        deactivate_device(deps, a_call(), "device-1")


# Erasing


@pytest.mark.parametrize("fields", [{}, {"active": False, "inactive_reason": InactiveReason.DELETED}])
def test_erased_device_is_gone_for_good(fields: dict[str, Any]) -> None:
    deps = _deps(**fields)
    erase_device(deps, a_call(), "device-1")
    assert deps.devices.get(TENANT_ID, ["device-1"]) == []
    for operate in (activate_device, deactivate_device, delete_device):
        with pytest.raises(NotFound):
            operate(deps, a_call(), "device-1")
    assert _actions(deps) == [("device.erased", ("device-1",))]


def test_second_erasure_is_no_error_and_not_told_twice() -> None:
    deps = _deps()
    for _ in range(2):
        erase_device(deps, a_call(), "device-1")
    assert _actions(deps) == [("device.erased", ("device-1",))]


def test_target_of_an_erased_device_registers_anew() -> None:
    deps = _deps(device_id="phone")
    erase_device(deps, a_call(), "device-1")
    again = register_device(deps, a_call(), a_registration(target=a_device().target))
    assert (again.created, again.device.id != "device-1") == (True, True)
