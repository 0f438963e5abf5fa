"""A rotation of keys: begun once, taken on by the tick, never lost by a failure and never in the way of another tenant."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from fanfare.domain.audit import AuditEntry
from fanfare.domain.device import Device, InactiveReason
from fanfare.domain.errors import NotFound, Unavailable
from fanfare.domain.filters import AuditFilter
from fanfare.domain.key_rotation import WAIT, next_data_key
from fanfare.domain.profile import Profile
from fanfare.domain.spreading import delete_profile
from fanfare.domain.tenant import PLATFORM_TENANT, Tenant
from fanfare.domain.tenant_keys import IndexKeys, Phase
from fanfare.ports import Deps
from fanfare.services.rewrite_documents import PAGE
from fanfare.services.rotate_keys import WORK, advance_rotations, begin_rotation, show_rotation
from fanfare.services.sweep import sweep
from tests.factories import TENANT_ID, a_call, a_tenant
from tests.fakes import FixedClock, FixedIndexVersions, MemoryDeviceStore, RecordingLog, fake_deps
from tests.unit.services.seeding import add_devices, add_profile, device_of

MOMENT = timedelta(microseconds=1)


class SlowDevices(MemoryDeviceStore):
    """Takes ten seconds for each page of one tenant's devices, and at some time answers no more."""

    def __init__(self, clock: FixedClock) -> None:
        super().__init__(clock)
        self.clock = clock
        self.answers = 1_000
        self.written: list[str] = []

    def update_many(
        self, tenant: str, device_ids: Sequence[str], decide: Callable[[Device], Device | None], audit: AuditEntry | None = None, **named: Any
    ) -> Sequence[str]:
        if tenant == TENANT_ID:
            self.clock.advance(timedelta(seconds=10))
            self.answers -= 1
            if self.answers < 0:
                raise Unavailable("Firestore does not answer.")
            self.written += device_ids
        return super().update_many(tenant, device_ids, decide, audit, **named)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def devices(clock: FixedClock) -> SlowDevices:
    return SlowDevices(clock)


@pytest.fixture
def deps(clock: FixedClock, devices: SlowDevices) -> Deps:
    deps = fake_deps(clock=clock, devices=devices, index_versions=FixedIndexVersions("3"))
    deps.tenants.create(a_tenant())
    return deps


def _tenant(deps: Deps, tenant: str = TENANT_ID) -> Tenant:
    found = deps.tenants.get_fresh(tenant)
    assert found is not None
    return found


def _phase(deps: Deps, tenant: str = TENANT_ID) -> Phase | None:
    rotation = _tenant(deps, tenant).rotation
    return rotation.phase if rotation else None


def _tick(deps: Deps, clock: FixedClock) -> None:
    clock.advance(WAIT)
    advance_rotations(deps)


def _finish(deps: Deps, clock: FixedClock) -> int:
    """Tick until it is done; returns how many ticks that took."""
    for ticks in range(100):
        if _phase(deps) is None:
            return ticks
        _tick(deps, clock)
    raise AssertionError("The rotation does not end.")


def _audited(deps: Deps, tenant: str = TENANT_ID) -> list[tuple[str, str, dict[str, str]]]:
    found = deps.audit.list(tenant, AuditFilter(resource="app"), 10, None).items
    return [(stored.entry.action, stored.entry.actor.id, dict(stored.entry.facts)) for stored in reversed(found)]


def _add_pages(deps: Deps, owner: Profile, pages: int) -> list[str]:
    """Give somebody so many pages of devices; their ids."""
    names = [f"d{number:04}" for number in range(pages * PAGE)]
    add_devices(deps, *(device_of(owner, id=name) for name in names))
    return names


def test_beginning_announces_new_keys_of_the_newest_secret(deps: Deps, clock: FixedClock) -> None:
    tenant = begin_rotation(deps, a_call(), TENANT_ID)
    assert tenant == _tenant(deps)
    assert (tenant.data_key_id, tenant.index) == (next_data_key(a_tenant()), IndexKeys("1-0", "3-1"))
    assert tenant.rotation is not None
    assert (tenant.rotation.phase, tenant.rotation.due_at) == (Phase.ANNOUNCED, clock.now() + WAIT)


def test_second_beginning_answers_with_the_rotation_that_is_under_way(deps: Deps, clock: FixedClock) -> None:
    first = begin_rotation(deps, a_call(), TENANT_ID)
    clock.advance(MOMENT)
    assert begin_rotation(deps, a_call(id="client-2"), TENANT_ID) == first == show_rotation(deps, TENANT_ID)
    assert [action for action, _, _ in _audited(deps)] == ["app.key_rotation_begun"]


def test_platforms_own_keys_are_rotated_and_unknown_tenants_have_none(deps: Deps) -> None:
    deps.tenants.create(a_tenant(id=PLATFORM_TENANT, credential_version=None))
    assert begin_rotation(deps, a_call(tenant=PLATFORM_TENANT), PLATFORM_TENANT).rotation is not None
    for call in (partial(begin_rotation, deps, a_call()), partial(show_rotation, deps)):
        with pytest.raises(NotFound):
            call("nobody")


def test_rotation_ends_with_the_new_keys_and_both_ends_are_in_the_audit_log(deps: Deps, clock: FixedClock) -> None:
    begin_rotation(deps, a_call(), TENANT_ID)
    assert _finish(deps, clock) == 3
    done, new = _tenant(deps), next_data_key(a_tenant())
    assert (done.index, done.data_key_id, done.keys_rotated_at) == (IndexKeys("3-1"), new, clock.now())
    assert _audited(deps) == [
        ("app.key_rotation_begun", "client-1", {"data_key": new, "index_key": "1-0"}),
        ("app.keys_rotated", "schedule", {"data_key": new, "index_key": "3-1"}),
    ]


def test_nothing_happens_before_its_time(deps: Deps, clock: FixedClock) -> None:
    begin_rotation(deps, a_call(), TENANT_ID)
    clock.advance(WAIT - MOMENT)
    assert advance_rotations(deps) == 0
    clock.advance(MOMENT)
    assert advance_rotations(deps) == 1
    assert _phase(deps) is Phase.SWITCHED
    assert advance_rotations(deps) == 0


def _revisions(deps: Deps) -> list[object]:
    return [stored.revision for stored in (*deps.profiles.get_many(TENANT_ID, ["alice"]), *deps.devices.get(TENANT_ID, ["d0", "d1", "d2"]))]


def test_every_document_is_written_anew_before_the_switch_and_after_the_close(deps: Deps, clock: FixedClock, devices: SlowDevices) -> None:
    alice = add_profile(deps, "alice")
    add_devices(deps, *(device_of(alice, id=f"d{number}") for number in range(3)))
    begin_rotation(deps, a_call(), TENANT_ID)
    before = _revisions(deps)
    _tick(deps, clock)
    filled = _revisions(deps)
    _finish(deps, clock)
    assert devices.written == ["d0", "d1", "d2"] * 2
    assert all(len(set(revisions)) == 3 for revisions in zip(before, filled, _revisions(deps), strict=True))


def test_device_is_told_what_its_owner_is_when_it_is_written_anew(deps: Deps, clock: FixedClock) -> None:
    alice, bob = add_profile(deps, "alice"), add_profile(deps, "bob")
    add_devices(deps, device_of(alice, id="d1"), device_of(bob, id="d2"))
    # Its devices were not told: the caller died.
    deps.profiles.update(TENANT_ID, "alice", lambda stored: delete_profile(stored, clock.now()))
    begin_rotation(deps, a_call(), TENANT_ID)
    _tick(deps, clock)
    assert [device.inactive_reason for device in deps.devices.get(TENANT_ID, ["d1", "d2"])] == [InactiveReason.PROFILE_DELETED, None]


def test_tick_stops_after_forty_seconds_and_the_next_one_goes_on_from_there(deps: Deps, clock: FixedClock, devices: SlowDevices) -> None:
    alice = add_profile(deps, "alice")
    names = _add_pages(deps, alice, 6)
    begin_rotation(deps, a_call(), TENANT_ID)
    _tick(deps, clock)
    rotation = _tenant(deps).rotation
    assert rotation is not None
    assert (rotation.phase, rotation.cursor, rotation.done) == (Phase.FILLING_DEVICES, names[4 * PAGE - 1], 4 * PAGE)
    assert devices.written == names[: 4 * PAGE]
    _tick(deps, clock)
    assert devices.written == names
    assert _phase(deps) is Phase.SWITCHED


def test_what_was_done_before_a_failure_is_not_done_again(deps: Deps, clock: FixedClock, devices: SlowDevices) -> None:
    alice = add_profile(deps, "alice")
    names = _add_pages(deps, alice, 2)
    begin_rotation(deps, a_call(), TENANT_ID)
    devices.answers = 1
    _tick(deps, clock)
    assert (_phase(deps), devices.written) == (Phase.FILLING_DEVICES, names[:PAGE])
    devices.answers = 1_000
    _tick(deps, clock)
    assert (_phase(deps), devices.written) == (Phase.SWITCHED, names)


def test_tenant_that_fails_does_not_keep_the_others_waiting(deps: Deps, clock: FixedClock, devices: SlowDevices) -> None:
    deps.tenants.create(a_tenant(id="globex"))
    add_devices(deps, device_of(add_profile(deps, "alice")))
    begin_rotation(deps, a_call(), TENANT_ID)
    clock.advance(MOMENT)
    begin_rotation(deps, a_call(tenant="globex"), "globex")
    devices.answers = 0
    _tick(deps, clock)
    assert (_phase(deps), _phase(deps, "globex")) == (Phase.FILLING_DEVICES, Phase.SWITCHED)
    log = deps.log
    assert isinstance(log, RecordingLog)
    assert [record.event for record in log.records] == ["key_rotation_interrupted"]


def test_tick_that_has_worked_its_time_leaves_the_other_tenants_to_the_next(deps: Deps, clock: FixedClock) -> None:
    deps.tenants.create(a_tenant(id="globex"))
    alice = add_profile(deps, "alice")
    _add_pages(deps, alice, 5)
    begin_rotation(deps, a_call(), TENANT_ID)
    clock.advance(MOMENT)
    begin_rotation(deps, a_call(tenant="globex"), "globex")
    _tick(deps, clock)
    assert (_phase(deps), _phase(deps, "globex")) == (Phase.FILLING_DEVICES, Phase.ANNOUNCED)
    advance_rotations(deps)
    assert (_phase(deps), _phase(deps, "globex")) == (Phase.SWITCHED, Phase.SWITCHED)
    assert timedelta(seconds=60) > WORK


def test_schedule_tick_takes_rotations_on(deps: Deps, clock: FixedClock) -> None:
    begin_rotation(deps, a_call(), TENANT_ID)
    clock.advance(WAIT)
    sweep(deps, "tick")
    assert _phase(deps) is Phase.SWITCHED
