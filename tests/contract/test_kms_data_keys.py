"""Data keys under Cloud KMS on the real stores: changing over and back, rotating, and what happens while KMS does not answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from google.cloud.firestore import Client as Firestore

from fanfare.adapters.cipher import Undecipherable
from fanfare.adapters.deployment_keys import DeploymentKeys
from fanfare.adapters.secret_manager import SecretValue
from fanfare.adapters.system import SystemIdentifiers
from fanfare.config import Settings
from fanfare.domain.chunk import ChunkKey
from fanfare.domain.errors import Unavailable
from fanfare.domain.key_rotation import WAIT
from fanfare.domain.outcome import Outcome
from fanfare.domain.target import Target
from fanfare.ports import Deps
from fanfare.services.deliver_chunk import deliver_chunk
from fanfare.services.register_devices import register_device
from fanfare.services.rotate_keys import advance_rotations, begin_rotation
from fanfare.wiring import build_deps
from tests.contract.adapters.scripted import ScriptedServer
from tests.contract.kms_stand_in import KEY, PROJECT, StandInKms
from tests.contract.stores.real import ELSEWHERE, FixedSecrets, Stores, real_stores
from tests.factories import TENANT_ID, a_call, a_notification, a_recipient, a_registration, a_tenant, a_token
from tests.fakes import FixedClock, fake_deps

SECRET = "fanfare-data-key"
CHUNK = ChunkKey(TENANT_ID, "notification-1", 0)


class WithoutDataKey(FixedSecrets):
    """The secrets of a deployment whose data keys Cloud KMS wraps: the one that would wrap them was never made."""

    def access(self, name: str, version: str = "latest") -> SecretValue:
        if name == SECRET:
            raise Unavailable("Secret Manager does not answer.")
        return super().access(name, version)


@dataclass(frozen=True, slots=True)
class Deployment:
    """A database with its secrets and Cloud KMS, to which instances come with other settings."""

    firestore: Firestore
    google: StandInKms
    clock: FixedClock
    secrets: FixedSecrets

    def instance(self, key: str = KEY, secrets: FixedSecrets | None = None) -> Stores:
        """A new instance: it has unwrapped nothing yet."""
        return real_stores(self.firestore, self.clock, secrets or self.secrets, self.google.client(key))

    def deps(self, stores: Stores) -> Deps:
        names = ("clock", "tenants", "profiles", "devices", "notifications", "chunks", "audit", "index_versions")
        return fake_deps(identifiers=SystemIdentifiers(), **{name: getattr(stores, name) for name in names})

    def register(self, stores: Stores, target: str) -> str:
        return register_device(self.deps(stores), a_call(), a_registration(target=a_token(target))).device.id

    def targets(self, stores: Stores, *ids: str) -> list[Target]:
        return [device.target for device in stores.devices.get(TENANT_ID, list(ids))]

    def rotate(self, stores: Stores) -> None:
        """Begin a rotation and tick until it is over."""
        deps = self.deps(stores)
        begin_rotation(deps, a_call(), TENANT_ID)
        for _ in range(6):
            self.clock.advance(2 * WAIT)
            advance_rotations(deps)
        found = stores.tenants.get_fresh(TENANT_ID)
        assert found is not None
        assert found.rotation is None

    def wrappings(self) -> set[tuple[str, str]]:
        """By what, and with which version, the tenant's keys are wrapped."""
        documents = [found.to_dict() or {} for found in self.firestore.collection(f"tenants/{TENANT_ID}/keys").get()]
        return {(fields["wrapping_key"], fields["wrapping_key_version"]) for fields in documents}


@pytest.fixture
def deployment(firestore: Firestore) -> Iterator[Deployment]:
    with ScriptedServer() as server:
        yield Deployment(firestore, StandInKms(server), FixedClock(), FixedSecrets())


@pytest.mark.parametrize("key", ["", KEY])
def test_functions_use_the_key_of_their_settings(emulator: str, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", emulator)
    deps = build_deps(Settings.from_env({**ELSEWHERE, "GOOGLE_CLOUD_PROJECT": PROJECT, "FIRESTORE_EMULATOR_HOST": emulator, "KMS_KEY": key}))
    assert isinstance(deps.receipt_keys, DeploymentKeys)
    assert deps.receipt_keys.kms is not None
    assert deps.receipt_keys.kms.key == key


def test_deployment_with_kms_needs_no_secret_for_data_keys(deployment: Deployment) -> None:
    stores = deployment.instance(secrets=WithoutDataKey())
    stores.tenants.create(a_tenant())
    device = deployment.register(stores, "t1")
    assert deployment.wrappings() == {(KEY, "1")}
    assert deployment.targets(deployment.instance(secrets=WithoutDataKey()), device) == [a_token("t1")]


def test_key_is_unwrapped_once_in_an_instances_life(deployment: Deployment) -> None:
    stores = deployment.instance()
    stores.tenants.create(a_tenant())
    ids = [deployment.register(stores, target) for target in ("t1", "t2")]
    assert deployment.google.asked == ["encrypt", "decrypt"]
    deployment.google.down()
    assert deployment.targets(stores, *ids) == [a_token("t1"), a_token("t2")], "what was unwrapped outlives an outage"


def test_deployment_without_kms_never_asks_it(deployment: Deployment) -> None:
    stores = deployment.instance(key="")
    stores.tenants.create(a_tenant())
    device = deployment.register(stores, "t1")
    deployment.rotate(stores)
    assert deployment.targets(deployment.instance(key=""), device) == [a_token("t1")]
    assert deployment.google.asked == []
    assert deployment.wrappings() == {(SECRET, "1")}


def test_key_of_before_the_choice_is_opened_by_the_secret(deployment: Deployment) -> None:
    stores = deployment.instance(key="")
    stores.tenants.create(a_tenant())
    device = deployment.register(stores, "t1")
    key = deployment.firestore.document(f"tenants/{TENANT_ID}/keys/key-1")
    fields: dict[str, Any] = key.get().to_dict() or {}
    key.set({name: value for name, value in fields.items() if name != "wrapping_key"})
    assert deployment.targets(deployment.instance(), device) == [a_token("t1")]
    deployment.rotate(deployment.instance())
    assert deployment.wrappings() == {(KEY, "1")}


@pytest.mark.parametrize(("before", "after", "named"), [("", KEY, KEY), (KEY, "", SECRET)])
def test_deployment_changes_over_and_a_rotation_brings_its_keys_along(deployment: Deployment, before: str, after: str, named: str) -> None:
    old = deployment.instance(before)
    old.tenants.create(a_tenant())
    ids = [deployment.register(old, "t1")]
    new = deployment.instance(after)
    ids.append(deployment.register(new, "t2"))
    for stores in (deployment.instance(before), deployment.instance(after)):
        assert deployment.targets(stores, *ids) == [a_token("t1"), a_token("t2")]
    deployment.rotate(new)
    assert deployment.wrappings() == {(named, "1")}
    for stores in (deployment.instance(before), deployment.instance(after)):
        assert deployment.targets(stores, *ids) == [a_token("t1"), a_token("t2")]


def test_rotation_wraps_every_key_by_the_newest_version(deployment: Deployment) -> None:
    stores = deployment.instance()
    stores.tenants.create(a_tenant())
    device = deployment.register(stores, "t1")
    deployment.google.keys[KEY].rotate()
    assert deployment.targets(deployment.instance(), device) == [a_token("t1")]
    deployment.rotate(stores)
    assert deployment.wrappings() == {(KEY, "2")}
    deployment.google.keys[KEY].disabled.add(1)
    assert deployment.targets(deployment.instance(), device) == [a_token("t1")], "nothing needs the first version any more"


def test_keys_that_are_in_order_are_not_written_again(deployment: Deployment) -> None:
    stores = deployment.instance()
    stores.tenants.create(a_tenant())
    before = deployment.firestore.document(f"tenants/{TENANT_ID}/keys/key-1").get()
    stores.tenants.settle_data_keys(TENANT_ID, "key-1", deployment.clock.now())
    assert deployment.firestore.document(f"tenants/{TENANT_ID}/keys/key-1").get().update_time == before.update_time


def test_data_key_that_is_moved_to_another_tenant_does_not_open(deployment: Deployment) -> None:
    stores = deployment.instance()
    for tenant in (TENANT_ID, "globex"):
        stores.tenants.create(a_tenant(id=tenant))
    stolen = deployment.firestore.document(f"tenants/{TENANT_ID}/keys/key-1").get().to_dict()
    assert stolen is not None
    deployment.firestore.document("tenants/globex/keys/key-1").set(stolen)
    with pytest.raises(Undecipherable):
        deployment.instance().tenants.key("globex", "key-1")  # type: ignore[attr-defined]


def test_no_tenant_is_made_while_kms_is_down(deployment: Deployment) -> None:
    deployment.google.down()
    stores = deployment.instance()
    with pytest.raises(Unavailable):
        stores.tenants.create(a_tenant())
    assert stores.tenants.get_fresh(TENANT_ID) is None


def test_chunk_waits_while_kms_is_down_and_nobody_in_it_fails(deployment: Deployment) -> None:
    stores = deployment.instance()
    stores.tenants.create(a_tenant())
    stores.notifications.accept(a_notification(), [a_recipient()])
    cold = deployment.deps(deployment.instance())
    deployment.google.down()
    with pytest.raises(Unavailable):
        deliver_chunk(cold, CHUNK)
    deployment.google.up()
    found = stores.chunks.read_chunk(CHUNK)
    assert found is not None
    assert (found[0].counts.failed, found[0].counts.sent) == (0, 0)
    deployment.clock.advance(2 * WAIT)
    deliver_chunk(cold, CHUNK)
    told = stores.notifications.get_with_chunk(CHUNK)
    assert told is not None
    assert told[1] is not None
    assert [result.outcome for result in told[1].results.values()] == [Outcome.SENT]
