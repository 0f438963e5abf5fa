"""Rotation of keys on the real stores: readable throughout, exclusive throughout, and nothing under the old keys at the end."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from google.cloud.firestore import Client as Firestore

from fanfare.adapters.expiring import FRESH
from fanfare.adapters.firestore.tenants import FirestoreTenantStore
from fanfare.adapters.system import SystemIdentifiers
from fanfare.domain.address import Address, AddressKind
from fanfare.domain.chunk import ChunkKey
from fanfare.domain.errors import Unavailable
from fanfare.domain.idempotency import Attempt, StoredAnswer
from fanfare.domain.key_rotation import WAIT
from fanfare.domain.message import Message
from fanfare.domain.registration import Details
from fanfare.domain.segment import Segment
from fanfare.domain.send_request import Addressees, SendRequest
from fanfare.domain.tenant import Tenant
from fanfare.domain.tenant_keys import IndexKeys, Phase
from fanfare.ports import Deps
from fanfare.services.accept_notification import accept_notification
from fanfare.services.change_profile import update_profile
from fanfare.services.register_devices import Registered, register_device, register_devices
from fanfare.services.rewrite_documents import PAGE
from fanfare.services.rotate_keys import advance_rotations, begin_rotation
from tests.contract.firestore_proxy import firestore_proxy
from tests.contract.stores.racing import race
from tests.contract.stores.real import FixedSecrets, Stores, open_firestore, real_stores
from tests.factories import NOW, TENANT_ID, a_call, a_notification, a_recipient, a_registration, a_tenant, a_token
from tests.fakes import FixedClock, fake_deps

ALICE = Address(AddressKind.USERNAME, "alice")
KEY = ChunkKey(TENANT_ID, "notification-1", 0)


@dataclass(frozen=True, slots=True)
class Deployment:
    """Two instances over the same data, with a clock and secrets in common."""

    firestore: Firestore
    clock: FixedClock
    secrets: FixedSecrets
    stores: tuple[Stores, Stores]

    @property
    def deps(self) -> tuple[Deps, Deps]:
        names = ("clock", "tenants", "profiles", "devices", "notifications", "audit", "index_versions")
        each = [{name: getattr(stores, name) for name in names} for stores in self.stores]
        first, second = (fake_deps(identifiers=SystemIdentifiers(), **stores) for stores in each)
        return first, second

    def tenant(self) -> Tenant:
        found = self.stores[0].tenants.get_fresh(TENANT_ID)
        assert found is not None
        return found

    def tick(self) -> None:
        """Wait as long as a phase does, so that both instances know it, and then go on with the first one's tick."""
        self.clock.advance(WAIT)
        for stores in self.stores:
            stores.tenants.get(TENANT_ID)
        advance_rotations(self.deps[0])

    def reach(self, phase: Phase | None) -> None:
        """Tick until a phase is reached that waits, or until the rotation is over."""
        for _ in range(4):
            rotation = self.tenant().rotation
            if (rotation and rotation.phase) is phase:
                return
            self.tick()
        raise AssertionError(f"{phase} is not reached.")

    def ids(self, collection: str) -> set[str]:
        return {found.id for found in self.firestore.collection(f"tenants/{TENANT_ID}/{collection}").list_documents()}

    def fields(self, path: str) -> dict[str, Any]:
        return self.firestore.document(f"tenants/{TENANT_ID}/{path}").get().to_dict() or {}


@pytest.fixture
def deployment(emulator: str, project_id: str) -> Iterator[Deployment]:
    firestore, clock, secrets = open_firestore(emulator, project_id), FixedClock(), FixedSecrets()
    stores = real_stores(firestore, clock, secrets), real_stores(firestore, clock, secrets)
    stores[0].tenants.create(a_tenant())
    yield Deployment(firestore, clock, secrets, stores)
    firestore.close()


def _register(deps: Deps, target: str, name: Address = ALICE, install: str | None = None) -> str:
    registration = a_registration(target=a_token(target), profile=name, details=Details(device_id=install))
    return register_device(deps, a_call(), registration).device.id


def _found(deps: Deps, name: Address) -> set[str]:
    return {device.id for device in deps.devices.find_active(TENANT_ID, [name], 100)}


def _key_of(ciphertext: bytes) -> str:
    return ciphertext[2 : 2 + ciphertext[1]].decode("ascii")


def _request_to(name: Address) -> SendRequest:
    return SendRequest(to=Addressees(addresses=(name,)), only=Segment(), message=Message(title="Hi"), raw={"title": "Hi"}, request_hash="hash")


class Worker:
    """A person's app and its back end: registers, renames the person, sends to it; whatever it did before must be found at once."""

    def __init__(self, deps: Deps, number: int) -> None:
        self.deps = deps
        self.number = number
        self.request = threading.Lock()
        self.served = threading.Event()
        self.name = Address(AddressKind.USERNAME, f"worker-{number}")
        self.owned: set[str] = set()

    def work(self, over: threading.Event) -> None:
        """Serve requests until it is over."""
        for request in itertools.count(1):
            with self.request:
                self._serve(request)
            self.served.set()
            if over.is_set():
                return

    def _serve(self, request: int) -> None:
        self.owned.add(_register(self.deps, f"{self.number}-{request % 5}", self.name, f"install-{request % 5}"))
        if request % 3 == 0:
            profile = self.deps.profiles.find(TENANT_ID, [self.name])[self.name]
            self.name = Address(AddressKind.USERNAME, f"worker-{self.number}-{request}")
            update_profile(self.deps, a_call(), profile.id, {"username": self.name.value})
        self.check()
        accepted = accept_notification(self.deps, a_call(), _request_to(self.name))
        assert accepted.notification.counts.targeted == len(self.owned)

    def check(self) -> None:
        assert _found(self.deps, self.name) == self.owned


# An instance one phase behind


@pytest.mark.parametrize("phase", [Phase.ANNOUNCED, Phase.SWITCHED, Phase.CLOSED, None])
def test_instance_one_phase_behind_misses_nothing_and_leaves_nothing_behind(deployment: Deployment, phase: Phase | None) -> None:
    ahead, behind = deployment.deps
    device = _register(ahead, "t1", install="phone")
    if phase is not Phase.ANNOUNCED:
        begin_rotation(ahead, a_call(), TENANT_ID)
        deployment.reach({Phase.SWITCHED: Phase.ANNOUNCED, Phase.CLOSED: Phase.SWITCHED, None: Phase.CLOSED}[phase])
    deployment.clock.advance(WAIT)
    behind.tenants.get(TENANT_ID)
    if phase is Phase.ANNOUNCED:
        begin_rotation(ahead, a_call(), TENANT_ID)
    else:
        advance_rotations(ahead)
    known, seen = deployment.tenant(), behind.tenants.get(TENANT_ID)
    assert (known.rotation and known.rotation.phase) is phase
    assert seen != known
    # Each registers again what the other one has, and something of its own.
    assert {_register(deps, "t1", install="phone") for deps in (behind, ahead)} == {device}
    owned = {device, _register(behind, "t2", install="tablet"), _register(ahead, "t3")}
    assert _register(ahead, "t2", install="tablet") in owned
    assert _register(behind, "t3") in owned
    assert _found(ahead, ALICE) == _found(behind, ALICE) == owned
    # A target moves on while the other one knows of a lock that this one does not write.
    assert _register(behind, "t4", install="phone") == device
    assert _register(ahead, "t1", Address(AddressKind.USERNAME, "bob")) not in owned
    if known.rotation is None:
        begin_rotation(ahead, a_call(), TENANT_ID)
    deployment.reach(None)
    assert _found(ahead, ALICE) == _found(behind, ALICE) == owned
    _assert_all_is_under(deployment)


def _assert_all_is_under(deployment: Deployment) -> None:
    tenant = deployment.tenant()
    devices = {device_id: deployment.fields(f"devices/{device_id}") for device_id in deployment.ids("devices")}
    profiles = [deployment.fields(f"profiles/{profile_id}") for profile_id in deployment.ids("profiles")]
    hashes = {*deployment.ids("targets"), *deployment.ids("names"), *(fields["target_hash"] for fields in devices.values())}
    hashes |= {held for fields in (*devices.values(), *profiles) for held in fields["addresses"]}
    hashes |= {held for fields in devices.values() for owner in fields["profiles"] for held in owner["addresses"]}
    assert {held.partition(".")[0] for held in hashes} == {tenant.index.current}
    assert {_key_of(fields["target"]) for fields in devices.values()} == {tenant.data_key_id}
    installs = sum(owner["installed_as"] is not None for fields in devices.values() for owner in fields["profiles"])
    assert len(deployment.ids("targets")) == len(devices) + installs


def test_rename_by_an_instance_that_does_not_know_of_the_rotation_is_filled_in(deployment: Deployment) -> None:
    ahead, behind = deployment.deps
    device = _register(ahead, "t1")
    profile = behind.profiles.find(TENANT_ID, [ALICE])[ALICE]
    begin_rotation(ahead, a_call(), TENANT_ID)
    update_profile(behind, a_call(), profile.id, {"username": "alicia"})
    deployment.reach(Phase.CLOSED)
    renamed = Address(AddressKind.USERNAME, "alicia")
    assert (_found(ahead, renamed), _found(behind, renamed), _found(ahead, ALICE)) == ({device}, {device}, set())
    deployment.reach(None)
    _assert_all_is_under(deployment)


# What is sealed


def test_old_and_new_ciphertexts_are_readable_and_devices_end_under_the_new_key(deployment: Deployment) -> None:
    ahead, behind = deployment.deps
    first = _register(ahead, "t1")
    stores = deployment.stores[1]
    stores.notifications.accept(a_notification(), [a_recipient()])
    stores.idempotency.begin(TENANT_ID, Attempt("key-hash", "body-hash", NOW))
    stores.idempotency.finish(TENANT_ID, "key-hash", StoredAnswer("body-hash", 201, {"id": "x"}, NOW))
    begin_rotation(ahead, a_call(), TENANT_ID)
    second = _register(ahead, "t2")
    sealed = [_key_of(deployment.fields(f"devices/{device_id}")["target"]) for device_id in (first, second)]
    assert sealed == ["key-1", deployment.tenant().data_key_id]
    for deps in (ahead, behind):
        assert {device.target for device in deps.devices.get(TENANT_ID, [first, second])} == {a_token("t1"), a_token("t2")}
    deployment.reach(None)
    sealed = [_key_of(deployment.fields(f"devices/{device_id}")["target"]) for device_id in (first, second)]
    assert sealed == [deployment.tenant().data_key_id] * 2
    assert [row.target for row in stores.chunks.read_recipients(KEY)] == [a_recipient().target]
    answer = stores.idempotency.begin(TENANT_ID, Attempt("key-hash", "body-hash", NOW))
    assert answer is not None
    assert answer.body == {"id": "x"}


def test_old_data_key_is_retired_and_every_key_is_wrapped_by_the_newest_version(deployment: Deployment) -> None:
    ahead, _ = deployment.deps
    _register(ahead, "t1")
    deployment.secrets.newest = "2"
    begin_rotation(ahead, a_call(), TENANT_ID)
    deployment.reach(None)
    new = deployment.tenant().data_key_id
    keys = {key_id: deployment.fields(f"keys/{key_id}") for key_id in deployment.ids("keys")}
    assert {key_id: (key["wrapping_key_version"], key["retired_at"]) for key_id, key in keys.items()} == {
        "key-1": ("2", deployment.clock.now()),
        new: ("2", None),
    }
    assert deployment.tenant().index.current == "2-1"
    # Another instance opens both: it never knew the first version.
    stores = real_stores(deployment.firestore, deployment.clock, deployment.secrets)
    assert [device.target for device in stores.devices.list_stored(TENANT_ID, 10, None).items] == [a_token("t1")]
    retired_at = keys["key-1"]["retired_at"]
    begin_rotation(ahead, a_call(), TENANT_ID)
    deployment.reach(None)
    assert deployment.fields("keys/key-1")["retired_at"] == retired_at


def test_newer_secret_changes_nothing_until_a_rotation_begins(deployment: Deployment) -> None:
    device = _register(deployment.deps[0], "t1")
    before = deployment.fields(f"devices/{device}")
    deployment.secrets.newest = "2"
    fresh = real_stores(deployment.firestore, deployment.clock, deployment.secrets)
    deps = fake_deps(clock=deployment.clock, devices=fresh.devices, profiles=fresh.profiles, tenants=fresh.tenants)
    assert _register(deps, "t1") == device
    after = deployment.fields(f"devices/{device}")
    for name in ("target_hash", "addresses", "index_keys"):
        assert after[name] == before[name]


def test_newer_secret_is_found_by_an_instance_that_has_long_been_running(deployment: Deployment) -> None:
    ahead, _ = deployment.deps
    _register(ahead, "t1")
    deployment.secrets.newest = "2"
    assert begin_rotation(ahead, a_call(), TENANT_ID).index.other == "2-1"


# Many at once


def test_bulk_registration_while_two_keys_are_in_use(deployment: Deployment) -> None:
    ahead, behind = deployment.deps
    begin_rotation(ahead, a_call(), TENANT_ID)
    deployment.reach(Phase.SWITCHED)
    long = [
        a_registration(target=a_token(value=f"{number:03}" + "x" * 4_000), profile=ALICE, details=Details(device_id=f"install-{number}"))
        for number in range(PAGE + 20)
    ]
    outcomes = register_devices(behind, a_call(), long)
    owned = {outcome.device.id for outcome in outcomes if isinstance(outcome, Registered)}
    assert len(owned) == PAGE + 20
    deployment.reach(None)
    found = [_found(deps, Address(AddressKind.USERNAME, "alice")) for deps in (ahead, behind)]
    assert [len(ids) for ids in found] == [100, 100]
    assert set().union(*found) <= owned
    _assert_all_is_under(deployment)


def test_registrations_renames_and_pushes_go_on_while_keys_rotate(deployment: Deployment) -> None:
    workers = [Worker(deps, number) for number, deps in enumerate(deployment.deps * 2)]
    over = threading.Event()
    with ThreadPoolExecutor(len(workers)) as pool:
        running = [pool.submit(worker.work, over) for worker in workers]
        begin_rotation(deployment.deps[0], a_call(), TENANT_ID)
        while deployment.tenant().rotation is not None and not any(future.done() for future in running):
            # The clock jumps between requests: none may last as long as a phase.
            with ExitStack() as paused:
                for worker in workers:
                    paused.enter_context(worker.request)
                deployment.clock.advance(WAIT)
                for worker in workers:
                    worker.served.clear()
            advance_rotations(deployment.deps[0])
            for worker in workers:
                assert worker.served.wait(timeout=20) or running[worker.number].done()
        over.set()
        for future in running:
            future.result()
    for worker in workers:
        worker.check()
    _assert_all_is_under(deployment)


def test_two_ticks_at_once_are_one(deployment: Deployment) -> None:
    ahead, behind = deployment.deps
    owned = {_register(ahead, f"t{number}", install=f"i{number}") for number in range(30)}
    begin_rotation(ahead, a_call(), TENANT_ID)
    for _ in range(3):
        deployment.clock.advance(WAIT)
        race([partial(advance_rotations, deps) for deps in (ahead, behind)] * 2)
    assert deployment.tenant().rotation is None
    assert _found(behind, ALICE) == owned
    _assert_all_is_under(deployment)


def test_two_beginnings_at_once_make_one_rotation_and_one_key(deployment: Deployment) -> None:
    begun = race([partial(begin_rotation, deps, a_call(), TENANT_ID) for deps in deployment.deps] * 3)
    assert {tenant.data_key_id for tenant in begun} == {deployment.tenant().data_key_id}
    assert deployment.ids("keys") == {"key-1", deployment.tenant().data_key_id}
    assert len(deployment.ids("audit")) == 1


def test_lock_of_the_old_key_that_nobody_holds_is_removed_at_the_end(deployment: Deployment) -> None:
    ahead, _ = deployment.deps
    _register(ahead, "t1")
    root = deployment.firestore.document(f"tenants/{TENANT_ID}")
    for number in range(PAGE + 5):
        root.collection("targets").document(f"1-0.leftover{number}").set({"v": 1, "device": "gone"})
    for kept in ("1-00.z", "1-1.a", "11-0.a", "1-0"):
        root.collection("names").document(kept).set({"v": 1, "profile_id": "kept"})
    begin_rotation(ahead, a_call(), TENANT_ID)
    deployment.reach(None)
    assert not any(held.startswith("1-0.") for held in deployment.ids("targets") | deployment.ids("names"))
    assert deployment.ids("names") >= {"1-00.z", "1-1.a", "11-0.a", "1-0"}


def test_device_that_a_hand_has_broken_stops_its_own_tenant_alone(deployment: Deployment) -> None:
    ahead, _ = deployment.deps
    device, others = _register(ahead, "t1"), a_tenant(id="globex")
    ahead.tenants.create(others)
    begin_rotation(ahead, a_call(), TENANT_ID)
    deployment.clock.advance(timedelta(seconds=1))
    begin_rotation(ahead, a_call(tenant="globex"), "globex")
    reference = deployment.firestore.document(f"tenants/{TENANT_ID}/devices/{device}")
    sealed = deployment.fields(f"devices/{device}")["target"]
    reference.update({"target": b"broken"})
    deployment.tick()
    rotations = [tenant.rotation for tenant in (deployment.tenant(), ahead.tenants.get_fresh("globex")) if tenant]
    assert [rotation and rotation.phase for rotation in rotations] == [Phase.FILLING_DEVICES, Phase.SWITCHED]
    reference.update({"target": sealed})
    deployment.reach(None)
    _assert_all_is_under(deployment)


# While Firestore does not answer


def test_instance_that_can_not_learn_of_a_rotation_writes_nothing(deployment: Deployment, emulator: str) -> None:
    with firestore_proxy(emulator) as (_, host):
        cut_off = real_stores(open_firestore(host, deployment.firestore.project), deployment.clock, deployment.secrets).tenants
        assert isinstance(cut_off, FirestoreTenantStore)
        assert cut_off.index_keys(TENANT_ID) == IndexKeys()
    deployment.clock.advance(FRESH)
    assert cut_off.get(TENANT_ID) == a_tenant(), "the rest goes on with what was true a minute ago"
    for keys in (cut_off.index_keys, cut_off.current):
        with pytest.raises(Unavailable):
            keys(TENANT_ID)
