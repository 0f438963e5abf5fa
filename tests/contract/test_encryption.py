"""What Firestore really holds: no target in clear, no name of a person as a key, and ciphertexts that open in one place only."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from google.cloud.firestore import Client as Firestore
from google.cloud.firestore import DocumentSnapshot

from fanfare.adapters.cipher import Undecipherable
from fanfare.domain.chunk import Chunk, ChunkKey, ChunkState
from fanfare.domain.idempotency import Attempt, StoredAnswer
from fanfare.domain.identifiers import encode_base64url
from fanfare.domain.message import Platform, TargetKind
from fanfare.domain.outcome import Outcome, Result
from fanfare.domain.registration import Details, RegistrationPlan
from fanfare.services.devices import update_device
from fanfare.services.register_devices import register_devices
from tests.contract.stores.real import Stores, real_stores
from tests.factories import NOW, a_call, a_device, a_notification, a_recipient, a_registration, a_tenant, a_token
from tests.fakes import fake_deps

# The hint of six characters is stored in clear; what must not be found is everything before it.
TOKEN = a_token(value="the-secret-part-of-a-token-abcdef")
FID = a_token(value="the-secret-part-of-a-fid-abcdef", kind=TargetKind.FID)
SECRET_PARTS = ("the-secret-part-of-a-token", "the-secret-part-of-a-fid", "the-secret-part-of-a-raw")
KEY = ChunkKey("acme", "notification-1", 0)


@pytest.fixture
def stores(firestore: Firestore) -> Stores:
    """Stores with two tenants."""
    stores = real_stores(firestore)
    for tenant in ("acme", "globex"):
        stores.tenants.create(a_tenant(id=tenant))
    return stores


def _documents(firestore: Firestore) -> Iterator[DocumentSnapshot[Any]]:
    """Every document of the database, at any depth."""
    collections = list(firestore.collections())
    while collections:
        for reference in collections.pop().list_documents():
            yield reference.get()
            collections.extend(reference.collections())


def _everything(firestore: Firestore) -> str:
    """All ids and values as one text; bytes as they are, in base64url and in hexadecimal."""
    return "\n".join(snapshot.reference.path + json.dumps(snapshot.to_dict(), default=_show) for snapshot in _documents(firestore))


def _show(value: object) -> str:
    return f"{value.decode('latin-1')} {encode_base64url(value)} {value.hex()}" if isinstance(value, bytes) else str(value)


def _store_one_of_each(stores: Stores) -> None:
    deps = fake_deps(devices=stores.devices, profiles=stores.profiles)
    registrations = [a_registration(target=TOKEN, details=Details(device_id="phone")), a_registration(target=FID, platform=Platform.WEB)]
    outcomes = register_devices(deps, a_call(tenant="acme"), registrations)
    new = a_token(value="the-secret-part-of-a-token-nummer2")
    update_device(deps, a_call(tenant="acme"), getattr(outcomes[0], "device").id, Details(), target=new, platform=None, profile=None)  # noqa: B009 - a union
    raw = a_recipient(target=a_token(value="the-secret-part-of-a-raw-target"))
    stores.notifications.accept(a_notification(), [a_recipient(target=TOKEN), a_recipient(target=FID), raw])
    chunk = stores.chunks.claim(KEY, "owner", NOW)
    assert isinstance(chunk, Chunk)
    results = {"device-1": Result(Outcome.SENT, "projects/acme-app/messages/1", 200, 1)}
    finished = Chunk(KEY, ChunkState.DONE, "owner", NOW, NOW, results=results, revision=chunk.revision)
    assert stores.chunks.conclude(finished, a_notification())


def test_no_target_is_stored_in_clear_anywhere(firestore: Firestore, stores: Stores) -> None:
    _store_one_of_each(stores)
    stored = _everything(firestore)
    assert "notifications/notification-1/recipients/0" in stored
    assert "notifications/notification-1/chunks/0" in stored
    assert "abcdef" in stored  # The hint is there, so a target would be found as well.
    assert [part for part in SECRET_PARTS if part in stored] == []
    for part in SECRET_PARTS:
        assert encode_base64url(part.encode()) not in stored
        assert part.encode().hex() not in stored


def test_equal_targets_of_one_tenant_have_different_ciphertexts(firestore: Firestore, stores: Stores) -> None:
    stores.devices.save("acme", [RegistrationPlan(a_device())])
    before = stores.devices.get("acme", ["device-1"])[0]
    first = firestore.document("tenants/acme/devices/device-1").get().get("target")
    stores.devices.save("acme", [RegistrationPlan(before, before)])
    assert firestore.document("tenants/acme/devices/device-1").get().get("target") != first


def test_hashes_of_one_target_differ_between_tenants(firestore: Firestore, stores: Stores) -> None:
    for tenant in ("acme", "globex"):
        assert stores.devices.save(tenant, [RegistrationPlan(a_device(target=TOKEN, device_id="phone"))])
    here, there = (firestore.document(f"tenants/{tenant}/devices/device-1").get().get("target_hash") for tenant in ("acme", "globex"))
    assert here != there
    locks = [{lock.id for lock in firestore.collection(f"tenants/{tenant}/targets").list_documents()} for tenant in ("acme", "globex")]
    assert here in locks[0]
    assert there in locks[1]
    assert locks[0].isdisjoint(locks[1])


@pytest.mark.parametrize("victim", ["tenants/acme/devices/other", "tenants/globex/devices/device-1"])
def test_target_that_is_moved_to_another_device_or_tenant_does_not_open(firestore: Firestore, stores: Stores, victim: str) -> None:
    stores.devices.save("acme", [RegistrationPlan(a_device(target=TOKEN)), RegistrationPlan(a_device(id="other"))])
    stores.devices.save("globex", [RegistrationPlan(a_device())])
    stolen = firestore.document("tenants/acme/devices/device-1").get().get("target")
    firestore.document(victim).update({"target": stolen})
    _, tenant, _, device_id = victim.split("/")
    with pytest.raises(Undecipherable):
        stores.devices.get(tenant, [device_id])
    assert stores.devices.get("acme", ["device-1"])[0].target == TOKEN


@pytest.mark.parametrize(
    ("tenant", "notification_id", "number"), [("acme", "notification-2", 0), ("acme", "notification-1", 1), ("globex", "notification-1", 0)]
)
def test_recipients_that_are_moved_elsewhere_do_not_open(
    firestore: Firestore, stores: Stores, tenant: str, notification_id: str, number: int
) -> None:
    stores.notifications.accept(a_notification(), [a_recipient(target=TOKEN)])
    stolen = firestore.document("tenants/acme/notifications/notification-1/recipients/0").get().to_dict()
    assert stolen is not None
    firestore.document(f"tenants/{tenant}/notifications/{notification_id}/recipients/{number}").set(stolen)
    with pytest.raises(Undecipherable):
        stores.chunks.read_recipients(ChunkKey(tenant, notification_id, number))


def test_data_key_that_is_moved_to_another_tenant_does_not_open(firestore: Firestore, stores: Stores) -> None:
    stolen = firestore.document("tenants/acme/keys/key-1").get().to_dict()
    assert stolen is not None
    firestore.document("tenants/globex/keys/key-1").set(stolen)
    with pytest.raises(Undecipherable):
        stores.devices.save("globex", [RegistrationPlan(a_device())])


@pytest.mark.parametrize("broken", [b"", b"\x01", b"\x02rest", b"\x01\x05key-1" + bytes(40)])
def test_bytes_that_nobody_sealed_do_not_open(firestore: Firestore, stores: Stores, broken: bytes) -> None:
    stores.devices.save("acme", [RegistrationPlan(a_device())])
    firestore.document("tenants/acme/devices/device-1").update({"target": broken})
    with pytest.raises(Undecipherable):
        stores.devices.get("acme", ["device-1"])


def test_names_of_locks_do_not_tell_the_name(firestore: Firestore, stores: Stores) -> None:
    deps = fake_deps(devices=stores.devices, profiles=stores.profiles)
    register_devices(deps, a_call(tenant="acme"), [a_registration(details=Details(device_id="the-install"))])
    locks = [lock.path for name in ("names", "targets") for lock in firestore.collection(f"tenants/acme/{name}").list_documents()]
    assert len(locks) == 3
    assert not any(part in lock for lock in locks for part in ("user-of-profile-1", "the-install", a_token("new").value))


def test_answer_that_is_kept_for_a_repeat_is_not_stored_in_clear(firestore: Firestore, stores: Stores) -> None:
    attempt = Attempt("key-hash", "body-hash", NOW)
    stores.idempotency.begin("acme", attempt)
    stores.idempotency.finish("acme", "key-hash", StoredAnswer("body-hash", 201, {"token": "client-1.the-secret-part-of-a-client-token"}, NOW))
    stored = _everything(firestore)
    assert "tenants/acme/idempotency/key-hash" in stored
    assert "the-secret-part" not in stored
    stolen = firestore.document("tenants/acme/idempotency/key-hash").get().to_dict()
    assert stolen is not None
    firestore.document("tenants/acme/idempotency/another-key").set(stolen)
    with pytest.raises(Undecipherable):
        stores.idempotency.begin("acme", Attempt("another-key", "body-hash", NOW))
