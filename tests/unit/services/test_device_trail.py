"""What the audit log keeps of devices: who did what to which, and neither a target nor a name."""

from __future__ import annotations

from fanfare.domain.message import Platform
from fanfare.domain.registration import Details
from fanfare.ports import Deps
from fanfare.services.devices import delete_device, update_device
from fanfare.services.own_devices import claimed_by
from fanfare.services.register_devices import register_device, register_devices
from tests.factories import a_call, a_registration, a_token
from tests.fakes import MemoryAuditStore, fake_deps
from tests.unit.services.users import a_users_call

SECRET = a_token(value="the-secret-part-of-a-token")


def _told(deps: Deps) -> list[tuple[str, str, int]]:
    """Action, actor and the number of devices of each entry about devices."""
    assert isinstance(deps.audit, MemoryAuditStore)
    entries = [entry for _, entry in deps.audit.entries if entry.resource == "device"]
    return [(entry.action, entry.actor.id, len(entry.resource_ids)) for entry in entries]


def test_every_write_is_told_once_with_who_made_it() -> None:
    deps = fake_deps()
    device_id = register_device(deps, a_call(), a_registration(target=SECRET)).device.id
    register_device(deps, a_call(id="client-2"), a_registration(target=SECRET, details=Details(app_version="4")))
    update_device(deps, a_call(), device_id, Details(), target=a_token("new"), platform=Platform.WEB, profile=None)
    delete_device(deps, a_call(), device_id)
    delete_device(deps, a_call(), device_id)
    assert _told(deps) == [
        ("device.registered", "client-1", 1),
        ("device.refreshed", "client-2", 1),
        ("device.updated", "client-1", 1),
        ("device.deleted", "client-1", 1),
    ]


def test_entry_holds_neither_a_target_nor_a_persons_name() -> None:
    deps = fake_deps()
    device_id = register_device(deps, a_call(), a_registration(target=SECRET, details=Details(device_id="hers"))).device.id
    update_device(
        deps, a_call(), device_id, Details(model="Pixel 9"), target=SECRET._replace(value="another-secret-part"), platform=None, profile=None
    )
    assert isinstance(deps.audit, MemoryAuditStore)
    text = str(deps.audit.entries)
    assert "Pixel 9" in text
    assert not any(secret in text for secret in ("secret-part", "user-of-profile-1", "hers"))


def test_many_registrations_are_told_by_one_entry_a_commit() -> None:
    deps = fake_deps()
    register_devices(deps, a_call(), [a_registration(target=a_token(str(number))) for number in range(3)])
    assert _told(deps) == [("device.registered", "client-1", 3)]


def test_user_is_named_by_a_hash_that_outlives_nobody() -> None:
    deps, call = fake_deps(), a_users_call()
    register_device(deps, call, a_registration(profile=claimed_by(call, None)))
    assert _told(deps) == [("device.registered", call.actor.id, 1)]
    assert "uid-1" not in call.actor.id
