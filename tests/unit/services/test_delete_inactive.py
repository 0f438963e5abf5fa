from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from fanfare.domain.device import Device, InactiveReason
from fanfare.ports import Deps
from fanfare.services.delete_inactive import COMMIT_SIZE, MOST_COMMITS, delete_inactive_devices
from tests.factories import NOW, TENANT_ID, a_call, a_device
from tests.fakes import MemoryAuditStore, MemoryDeviceStore, fake_deps
from tests.unit.services.seeding import add_devices, stored_device

DAY = timedelta(days=1)


def _inactive(device_id: str, days: int, reason: InactiveReason = InactiveReason.UNREGISTERED) -> Device:
    return a_device(id=device_id, active=False, inactive_reason=reason, inactive_since=NOW - days * DAY)


def _deleted(deps: Deps, ids: str) -> str:
    return "".join(device_id for device_id in ids if stored_device(deps, device_id).is_deleted)


@pytest.mark.parametrize(("days", "removed"), [(0, "abc"), (1, "bc"), (10, "c"), (11, "")])
def test_devices_that_were_inactive_for_so_long_are_deleted(days: int, removed: str) -> None:
    deps = fake_deps()
    add_devices(deps, _inactive("a", 0), _inactive("b", 1), _inactive("c", 10), a_device(id="d", last_seen_at=NOW - 400 * DAY))
    assert delete_inactive_devices(deps, a_call(), days) == (len(removed), False)
    assert _deleted(deps, "abcd") == removed
    assert delete_inactive_devices(deps, a_call(), days) == (0, False)


def test_deleted_device_keeps_its_target_and_the_date_of_its_deletion() -> None:
    deps = fake_deps()
    add_devices(deps, _inactive("a", 40))
    delete_inactive_devices(deps, a_call(), 30)
    device = stored_device(deps, "a")
    assert (device.target, device.inactive_reason, device.inactive_since) == (_inactive("a", 40).target, InactiveReason.DELETED, NOW)


def test_device_that_waits_for_its_profile_and_another_tenants_stay() -> None:
    deps = fake_deps()
    add_devices(deps, _inactive("a", 40, InactiveReason.PROFILE_DELETED))
    add_devices(deps, _inactive("b", 40), tenant="globex")
    assert delete_inactive_devices(deps, a_call(), 0) == (0, False)
    assert stored_device(deps, "a").inactive_reason is InactiveReason.PROFILE_DELETED
    assert not deps.devices.get("globex", ["b"])[0].is_deleted


def test_one_entry_of_the_audit_log_names_the_devices_of_a_commit() -> None:
    audit = MemoryAuditStore()
    deps = fake_deps(audit=audit)
    add_devices(deps, _inactive("a", 40), _inactive("b", 50))
    delete_inactive_devices(deps, a_call(), 30)
    (told,) = [entry for _, entry in audit.entries]
    assert (told.action, sorted(told.resource_ids), told.facts) == ("device.purged", ["a", "b"], {"older_than_days": "30"})
    delete_inactive_devices(deps, a_call(), 30)
    assert len(audit.entries) == 1


def test_call_is_bounded_and_says_that_there_may_be_more() -> None:
    deps = fake_deps()
    most = COMMIT_SIZE * MOST_COMMITS
    for start in range(0, most + 10, COMMIT_SIZE):
        add_devices(deps, *(_inactive(f"d{number}", 40) for number in range(start, min(start + COMMIT_SIZE, most + 10))))
    assert delete_inactive_devices(deps, a_call(), 30) == (most, True)
    assert delete_inactive_devices(deps, a_call(), 30) == (10, False)


class _RevivingStore(MemoryDeviceStore):
    """The device `a` registers again right after it was found inactive."""

    def find_purgeable(self, *arguments: Any) -> list[Device]:
        found = list(super().find_purgeable(*arguments))
        self.update(TENANT_ID, "a", lambda device: replace(device, active=True, inactive_reason=None, inactive_since=None))
        return found


def test_device_that_revived_meanwhile_stays() -> None:
    deps = fake_deps(devices=_RevivingStore())
    add_devices(deps, _inactive("a", 40), _inactive("b", 40))
    assert delete_inactive_devices(deps, a_call(), 30) == (1, False)
    assert (stored_device(deps, "a").active, _deleted(deps, "ab")) == (True, "b")
