"""Rotation of keys while two other instances, up to a minute behind, register, rename and erase: nobody is missed, nothing is there twice.

The steps of the real stores are interleaved on the emulator: an action comes between any two of them, with the time that a request may take.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, cast

import pytest
from google.cloud.firestore import Client as Firestore
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from fanfare.adapters.system import SystemIdentifiers
from fanfare.domain.address import Address, AddressKind
from fanfare.domain.device import Device
from fanfare.domain.key_rotation import WAIT
from fanfare.domain.profile import Profile, ProfileState, Stage, held_names
from fanfare.domain.registration import Details
from fanfare.domain.spreading import change_profile
from fanfare.domain.tenant import Tenant
from fanfare.ports import Deps
from fanfare.services.change_profile import update_profile
from fanfare.services.register_devices import register_device
from fanfare.services.rotate_keys import advance_rotations, begin_rotation
from fanfare.services.settle_profile import settle_profiles
from tests.contract.stores.real import FixedSecrets, open_firestore, real_stores
from tests.factories import TENANT_ID, a_call, a_profile, a_registration, a_tenant, a_token
from tests.fakes import FixedClock, fake_deps

REQUEST = timedelta(seconds=55)
"""As long as a request takes at most that had read a profile before something changed."""
PEOPLE = ("p0", "p1", "p2")


@dataclass(frozen=True)
class Action:
    """What an instance does: to whom, with which target and install. `lasts` whether a minute passes while it is under way."""

    kind: str
    instance: int
    person: str
    target: str
    install: str | None
    shared: bool
    lasts: bool


ACTIONS = st.builds(
    Action,
    kind=st.sampled_from(["register", "register", "register", "rename", "rename and die", "erase", "settle"]),
    instance=st.integers(0, 2),
    person=st.sampled_from(PEOPLE),
    target=st.sampled_from(["t0", "t1", "t2", "t3"]),
    install=st.sampled_from([None, "phone", "tablet"]),
    shared=st.booleans(),
    lasts=st.booleans(),
)


class Interrupted:
    """A store between two of whose calls something else happens, once."""

    def __init__(self, store: object, calls_before: int, interrupt: Callable[[], None]) -> None:
        self._store = store
        self._left = calls_before
        self._interrupt = interrupt

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)

        def call(*given: Any, **named: Any) -> Any:
            answer = method(*given, **named)
            self._left -= 1
            if self._left == 0:
                self._interrupt()
            return answer

        return call


class Rotating(RuleBasedStateMachine):
    """Three instances of one tenant; the third one ticks too, and so knows of each change first."""

    def __init__(self, firestore: Firestore) -> None:
        super().__init__()
        self.firestore = firestore
        self.clock, self.secrets = FixedClock(), FixedSecrets()
        self.instances = [self._instance() for _ in range(3)]
        self.ticker = self.instances[2]
        self.names = 0
        self.ticker.tenants.create(a_tenant())
        for person in PEOPLE:
            self.ticker.profiles.create(TENANT_ID, a_profile(id=person, username=person, addresses=()))

    def _instance(self) -> Deps:
        stores = real_stores(self.firestore, self.clock, self.secrets)
        names = ("clock", "tenants", "profiles", "devices", "audit", "index_versions")
        return fake_deps(identifiers=SystemIdentifiers(), **{name: getattr(stores, name) for name in names})

    @rule(action=ACTIONS)
    def act(self, action: Action) -> None:
        self._perform(action)

    @rule(action=ACTIONS, calls=st.integers(1, 6))
    def tick(self, action: Action, calls: int) -> None:
        """Tick, with an action between two of the tick's calls."""
        interrupt = lambda: self._perform(action)  # noqa: E731 - an argument with a name
        profiles, devices = (Interrupted(store, calls, interrupt) for store in (self.ticker.profiles, self.ticker.devices))
        advance_rotations(replace(self.ticker, profiles=cast("Any", profiles), devices=cast("Any", devices)))

    @rule(step=st.sampled_from([timedelta(seconds=20), REQUEST, WAIT, WAIT]))
    def wait(self, step: timedelta) -> None:
        self.clock.advance(step)

    @rule(instance=st.integers(0, 1))
    def look(self, instance: int) -> None:
        """Let one instance know of a change at once; the other one learns of it when a minute has passed."""
        self.instances[instance].tenants.get_fresh(TENANT_ID)

    @precondition(lambda self: self._tenant().rotation is None)
    @rule(version=st.integers(1, 3))
    def begin(self, version: int) -> None:
        self.secrets.newest = str(version)
        begin_rotation(self.ticker, a_call(), TENANT_ID)

    def _perform(self, action: Action) -> None:
        deps = self.instances[action.instance]
        match action.kind:
            case "register":
                self._register(deps, action)
            case "rename":
                update_profile(deps, a_call(), action.person, {"username": self._new_name()})
            case "rename and die":
                name = self._new_name()
                deps.profiles.update(TENANT_ID, action.person, lambda stored: change_profile(stored, {"username": name}, self.clock.now()))
            case "erase":
                deps.devices.erase(TENANT_ID, [device.id for device in self._devices() if device.target == a_token(action.target)])
            case _:
                settle_profiles(deps)

    def _register(self, deps: Deps, action: Action) -> None:
        registration = a_registration(
            target=a_token(action.target),
            profile=Address(AddressKind.PROFILE, action.person),
            details=Details(device_id=action.install),
            shared=action.shared,
        )
        profiles = Interrupted(deps.profiles, 1 if action.lasts else 0, self._pass)
        device = register_device(replace(deps, profiles=cast("Any", profiles)), a_call(), registration).device
        stored = deps.devices.find_by_target(TENANT_ID, registration.target)
        assert stored is not None
        assert stored.id == device.id
        assert action.person in stored.profile_ids

    def _pass(self) -> None:
        """Let a request take its time, in which a rotation may begin and go on."""
        if self._tenant().rotation is None:
            begin_rotation(self.ticker, a_call(), TENANT_ID)
        advance_rotations(self.ticker)
        self.clock.advance(REQUEST)

    def _new_name(self) -> str:
        self.names += 1
        return f"name-{self.names}"

    def _tenant(self) -> Tenant:
        tenant = self.ticker.tenants.get_fresh(TENANT_ID)
        assert tenant is not None
        return tenant

    def _devices(self) -> list[Device]:
        return list(self.ticker.devices.list_stored(TENANT_ID, 100, None).items)

    def _profiles(self) -> list[Profile]:
        return list(self.ticker.profiles.list_stored(TENANT_ID, 100, None).items)

    @invariant()
    def nothing_is_there_twice(self) -> None:
        devices = self._devices()
        installs = [(owner.profile_id, owner.installed_as) for device in devices for owner in device.owners if owner.installed_as]
        assert max(Counter(device.target for device in devices).values(), default=1) == 1
        assert max(Counter(installs).values(), default=1) == 1

    @invariant()
    def every_instance_finds_everything(self) -> None:
        devices, profiles = self._devices(), self._profiles()
        for deps in self.instances:
            for device in devices:
                found = deps.devices.find_by_target(TENANT_ID, device.target)
                assert found is not None, "no device is missed by its target"
                assert found.id == device.id
            for profile in profiles:
                self._check_person(deps, profile, {device.id for device in devices if device.active and profile.id in device.profile_ids})

    def _check_person(self, deps: Deps, profile: Profile, owned: set[str]) -> None:
        addresses = [Address(AddressKind.PROFILE, profile.id)]
        if profile.spread.stage is Stage.SETTLED and profile.spread.check_at is None:
            addresses.append(Address(AddressKind.USERNAME, profile.username or ""))
        for address in addresses:
            assert {device.id for device in deps.devices.find_active(TENANT_ID, [address], 100)} == owned, address
        found = deps.profiles.find(TENANT_ID, [Address(AddressKind.USERNAME, profile.username or "")])
        assert [held.id for held in found.values()] == [profile.id]

    def teardown(self) -> None:
        """Whatever was begun ends, and then nothing under an older key is left."""
        for _ in range(20):
            self.clock.advance(WAIT)
            settle_profiles(self.ticker)
            advance_rotations(self.ticker)
        self.every_instance_finds_everything()
        tenant = self._tenant()
        assert tenant.rotation is None
        check_that_all_is_under(self.firestore, tenant, self._devices(), self._profiles())
        self.firestore.close()


def check_that_all_is_under(firestore: Firestore, tenant: Tenant, devices: list[Device], profiles: list[Profile]) -> None:
    """Read the raw documents: each hash and each ciphertext is under the present key, and each lock is somebody's."""
    root = firestore.document(f"tenants/{tenant.id}")
    for snapshot in (*root.collection("devices").stream(), *root.collection("profiles").stream()):
        fields = snapshot.to_dict() or {}
        if fields.get("target", b"") is None:
            continue
        owners = [held for owner in fields.get("profiles", ()) for held in owner["addresses"]]
        assert fields["index_keys"] == [tenant.index.current]
        assert {held.partition(".")[0] for held in (*fields["addresses"], *owners)} <= {tenant.index.current}
        if "target" in fields:
            assert fields["target"][2 : 2 + fields["target"][1]].decode() == tenant.data_key_id
    targets, names = ([lock.id for lock in root.collection(name).list_documents()] for name in ("targets", "names"))
    assert {held.partition(".")[0] for held in (*targets, *names)} <= {tenant.index.current}
    assert len(targets) == sum(1 + sum(owner.installed_as is not None for owner in device.owners) for device in devices)
    assert len(names) == sum(len(held_names(profile)) for profile in profiles if profile.state is not ProfileState.ERASED)


@pytest.mark.usefixtures("emulator")
def test_nobody_is_missed_and_nothing_is_there_twice_whatever_comes_between(emulator: str) -> None:
    run_state_machine_as_test(
        lambda: Rotating(open_firestore(emulator, f"test-{uuid.uuid4().hex[:20]}")),
        settings=settings(max_examples=16, stateful_step_count=20, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)),
    )
