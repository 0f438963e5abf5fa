"""The rules for a commit whose answer was lost: the client sends it again, and its second sending meets what the first one wrote.

Each write must then succeed exactly once, and a race that was really lost must be told as lost.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from fanfare.adapters.firestore.client import COMMIT_SECONDS
from fanfare.domain.audit import AuditEntry, trail
from fanfare.domain.call import Actor, ActorKind
from fanfare.domain.chunk import CLOCK_SKEW, LEASE, Busy, Chunk, ChunkKey, ChunkState
from fanfare.domain.chunk_rows import Rows
from fanfare.domain.errors import Conflict, IdempotencyInProgress, Unavailable
from fanfare.domain.filters import AuditFilter, DeviceFilter
from fanfare.domain.idempotency import RESERVATION_LEASE, Attempt, StoredAnswer
from fanfare.domain.message import Platform
from fanfare.domain.notification import NotificationStatus
from fanfare.domain.outcome import Outcome, Result
from fanfare.domain.registration import RegistrationPlan
from fanfare.domain.steering import decide_cancel
from fanfare.services.register_devices import register_device
from tests.contract.firestore_proxy import FirestoreProxy, firestore_proxy
from tests.contract.stores.real import Stores, open_firestore, real_stores
from tests.factories import NOW, a_call, a_client, a_device, a_notification, a_profile, a_recipient, a_registration, a_tenant, a_token
from tests.fakes import fake_deps

KEY = ChunkKey("acme", "notification-1", 0)
RESULTS = {"device-1": Result(Outcome.SENT, "projects/acme-app/messages/1", 200, 1, Platform.ANDROID)}


@dataclass(frozen=True, slots=True)
class Network:
    """`stores` behind a proxy that can lose answers, and `others`, another instance's over the same data, whose network is well."""

    proxy: FirestoreProxy
    stores: Stores
    others: Stores

    def lose_answers(self, number: int = 1, *, refusals: bool = False) -> None:
        self.proxy.commits, self.proxy.lose_next, self.proxy.lose_refusals = 0, number, refusals

    def was_sent_again(self, times: int = 1) -> bool:
        return self.proxy.lose_next == 0 and self.proxy.commits == times + 1


@pytest.fixture
def network(emulator: str, project_id: str) -> Iterator[Network]:
    """Two instances with one tenant."""
    with firestore_proxy(emulator) as (proxy, host):
        behind, direct = open_firestore(host, project_id), open_firestore(emulator, project_id)
        others = real_stores(direct)
        others.tenants.create(a_tenant())
        yield Network(proxy, real_stores(behind), others)
        behind.close()
        direct.close()


def _claim(stores: Stores, owner: str = "owner-1", after: timedelta = timedelta(0)) -> Chunk:
    chunk = stores.chunks.claim(KEY, owner, NOW + after)
    assert isinstance(chunk, Chunk)
    return chunk


def _stored_chunk(stores: Stores) -> Chunk | None:
    found = stores.notifications.get_with_chunk(KEY)
    return found[1] if found else None


def _done(chunk: Chunk) -> Chunk:
    return replace(chunk, state=ChunkState.DONE, next_check_at=None, results=RESULTS)


# Creating


def test_client_is_created(network: Network) -> None:
    network.lose_answers()
    network.stores.clients.create(a_client())
    assert network.was_sent_again()
    assert network.others.clients.get("client-1") == a_client()


def test_client_of_a_taken_id_is_refused(network: Network) -> None:
    network.others.clients.create(a_client())
    network.lose_answers(refusals=True)
    with pytest.raises(Conflict):
        network.stores.clients.create(a_client(name="An impostor"))
    assert network.others.clients.get("client-1") == a_client()
    assert network.was_sent_again()


def test_tenant_is_created_with_a_key_that_opens_what_it_sealed(network: Network) -> None:
    network.lose_answers()
    network.stores.tenants.create(a_tenant(id="globex"))
    assert network.was_sent_again()
    network.stores.devices.save("globex", [RegistrationPlan(a_device())])
    assert network.others.devices.get("globex", ["device-1"])[0].target == a_device().target


def test_profile_is_created_and_told_as_created(network: Network) -> None:
    network.lose_answers()
    profile, created = network.stores.profiles.create("acme", a_profile())
    assert network.was_sent_again()
    assert created
    assert network.others.profiles.get("acme", "profile-1") == profile


def test_profile_whose_name_is_taken_is_told_as_taken(network: Network) -> None:
    holder, _ = network.others.profiles.create("acme", a_profile(id="holder", username="alice"))
    network.lose_answers(refusals=True)
    assert network.stores.profiles.create("acme", a_profile(id="late", username="alice")) == (holder, False)
    assert network.was_sent_again()


def test_profile_is_renamed_once_and_its_name_moves_with_it(network: Network) -> None:
    network.others.profiles.create("acme", a_profile(username="alice"))
    network.lose_answers()
    renamed = network.stores.profiles.update("acme", "profile-1", lambda profile: replace(profile, username="alicia"))
    assert network.was_sent_again()
    assert network.others.profiles.get("acme", "profile-1") == renamed
    assert network.others.profiles.create("acme", a_profile(id="next", username="alice"))[1]
    assert network.others.profiles.create("acme", a_profile(id="late", username="alicia")) == (renamed, False)


def test_rename_to_a_taken_name_is_told_as_a_conflict(network: Network) -> None:
    network.others.profiles.create("acme", a_profile(id="holder", username="bob"))
    alice, _ = network.others.profiles.create("acme", a_profile(username="alice"))
    network.lose_answers(refusals=True)
    with pytest.raises(Conflict):
        network.stores.profiles.update("acme", "profile-1", lambda profile: replace(profile, username="bob"))
    assert network.was_sent_again()
    assert network.others.profiles.get("acme", "profile-1") == alice


def test_idempotency_key_is_reserved(network: Network) -> None:
    attempt = Attempt("key-hash", "body-hash", NOW)
    network.lose_answers()
    assert network.stores.idempotency.begin("acme", attempt) is None
    assert network.was_sent_again()
    with pytest.raises(IdempotencyInProgress):
        network.others.idempotency.begin("acme", attempt)


def test_idempotency_key_is_taken_over(network: Network) -> None:
    network.others.idempotency.begin("acme", Attempt("key-hash", "body-hash", NOW))
    late = Attempt("key-hash", "body-hash", NOW + RESERVATION_LEASE)
    # The first commit is the refused reservation, whose answer arrives; the second one is sent twice.
    network.lose_answers()
    assert network.stores.idempotency.begin("acme", late) is None
    assert network.proxy.commits == 3
    with pytest.raises(IdempotencyInProgress):
        network.others.idempotency.begin("acme", late)


def test_answer_under_a_key_is_kept(network: Network) -> None:
    attempt = Attempt("key-hash", "body-hash", NOW)
    network.stores.idempotency.begin("acme", attempt)
    network.lose_answers()
    network.stores.idempotency.finish("acme", "key-hash", StoredAnswer("body-hash", 201, {"id": "1"}, NOW))
    assert network.was_sent_again()
    assert network.others.idempotency.begin("acme", attempt) == StoredAnswer("body-hash", 201, {"id": "1"}, NOW)


# Accepting


def test_notification_is_accepted_as_new(network: Network) -> None:
    network.lose_answers()
    assert network.stores.notifications.accept(a_notification(), [a_recipient()]) is None
    assert network.was_sent_again()
    assert network.others.chunks.read_chunk(KEY) == (a_notification(), Rows((a_recipient(),)))


def test_repeat_of_an_accepted_notification_gets_the_first(network: Network) -> None:
    network.others.notifications.accept(a_notification(), [a_recipient()])
    network.lose_answers(refusals=True)
    assert network.stores.notifications.accept(a_notification(request_hash="another"), []) == a_notification()
    assert network.was_sent_again()


def test_notification_that_is_delivered_before_its_second_sending_is_accepted_as_new(network: Network) -> None:
    """The nudge of another request, or the sweep, may be faster than the answer."""

    def deliver() -> None:
        assert network.others.chunks.conclude(_done(_claim(network.others)), a_notification(status=NotificationStatus.COMPLETED))

    network.proxy.after_loss = deliver
    network.lose_answers()
    assert network.stores.notifications.accept(a_notification(), [a_recipient()]) is None
    assert network.was_sent_again()


# Registering


def test_device_is_saved_once(network: Network) -> None:
    network.lose_answers()
    assert network.stores.devices.save("acme", [RegistrationPlan(a_device(id="a")), RegistrationPlan(a_device(id="b"))])
    assert network.was_sent_again()
    assert [device.id for device in network.others.devices.list("acme", DeviceFilter(), 10, None).items] == ["a", "b"]


def test_changed_device_is_saved_and_its_new_target_is_locked(network: Network) -> None:
    network.others.devices.save("acme", [RegistrationPlan(a_device())])
    before = network.stores.devices.get("acme", ["device-1"])[0]
    network.lose_answers()
    assert network.stores.devices.save("acme", [RegistrationPlan(replace(before, target=a_token("new")), before)])
    assert network.was_sent_again()
    assert network.others.devices.get("acme", ["device-1"])[0].target == a_token("new")
    assert not network.others.devices.save("acme", [RegistrationPlan(a_device(id="late", target=a_token("new")))])


def test_save_that_lost_its_race_is_refused(network: Network) -> None:
    network.others.devices.save("acme", [RegistrationPlan(a_device())])
    before = network.stores.devices.get("acme", ["device-1"])[0]
    network.others.devices.update("acme", "device-1", lambda device: replace(device, model="Pixel 8"))
    network.lose_answers(refusals=True)
    assert not network.stores.devices.save("acme", [RegistrationPlan(replace(before, model="iPhone 15"), before)])
    assert network.others.devices.get("acme", ["device-1"])[0].model == "Pixel 8"
    assert network.was_sent_again()


def test_update_is_applied_once(network: Network) -> None:
    network.others.devices.save("acme", [RegistrationPlan(a_device())])
    network.lose_answers()
    updated = network.stores.devices.update("acme", "device-1", lambda device: replace(device, tags=(*device.tags, "x")))
    assert network.was_sent_again()
    assert updated is not None
    assert network.others.devices.get("acme", ["device-1"])[0].tags == updated.tags == ("x",)


def test_device_that_another_call_changed_before_the_second_sending_keeps_both_changes(network: Network) -> None:
    """Our own id is overwritten by then, so the save is told as lost; the registration is planned again and finds itself."""
    deps = fake_deps(devices=network.stores.devices, profiles=network.stores.profiles)
    first = register_device(deps, a_call(tenant="acme"), a_registration())
    network.proxy.after_loss = lambda: network.others.devices.update("acme", first.device.id, lambda device: replace(device, model="Pixel 8"))
    network.lose_answers()
    again = register_device(deps, a_call(tenant="acme"), a_registration(platform=Platform.WEB))
    stored = network.others.devices.get("acme", [first.device.id])[0]
    assert (again.created, again.device.id) == (False, first.device.id)
    assert (stored.platform, stored.model) == (Platform.WEB, "Pixel 8")


def test_tenant_is_updated_once_with_one_audit_entry(network: Network, emulator: str, project_id: str) -> None:
    network.lose_answers()
    entry = trail("app.updated", Actor(ActorKind.CLIENT, "client-1"), NOW)
    network.stores.tenants.update("acme", lambda tenant: replace(tenant, name=f"{tenant.name}!"), entry)
    assert network.was_sent_again()
    assert network.others.tenants.get_fresh("acme") == a_tenant(name="Acme!")
    raw = open_firestore(emulator, project_id)
    assert [found.get("action") for found in raw.collection("tenants/acme/audit").stream()] == ["app.updated"]
    raw.close()


def test_client_is_changed_once_with_one_audit_entry(network: Network, emulator: str, project_id: str) -> None:
    network.stores.clients.create(a_client())
    network.lose_answers()
    entry = trail("client.updated", Actor(ActorKind.CLIENT, "client-1"), NOW)
    changed = network.stores.clients.update("client-1", lambda client: replace(client, name=f"{client.name}!"), entry)
    assert network.was_sent_again()
    assert changed == network.others.clients.get_fresh("client-1") == a_client(name="Back office!")
    raw = open_firestore(emulator, project_id)
    assert [found.get("action") for found in raw.collection("tenants/acme/audit").stream()] == ["client.updated"]
    raw.close()


def test_project_is_owned_by_the_tenant_whose_answer_was_lost(network: Network) -> None:
    network.lose_answers()
    network.stores.tenants.claim_project(a_tenant(id="late", credential_version=None), NOW)
    assert network.was_sent_again()
    assert network.others.tenants.owner_of("late-app") == "late"


# Delivering


def test_claim_is_granted_to_the_call_whose_answer_was_lost(network: Network) -> None:
    network.lose_answers()
    chunk = _claim(network.stores)
    assert network.was_sent_again()
    assert isinstance(network.others.chunks.claim(KEY, "owner-2", NOW), Busy)
    assert network.stores.chunks.save_chunk(chunk) is not None


def test_claim_that_another_call_holds_is_busy(network: Network) -> None:
    _claim(network.others)
    network.lose_answers(refusals=True)
    assert isinstance(network.stores.chunks.claim(KEY, "owner-2", NOW), Busy)
    assert network.was_sent_again()


def test_takeover_is_granted_once(network: Network) -> None:
    _claim(network.others)
    network.lose_answers()
    chunk = _claim(network.stores, "owner-2", LEASE + CLOCK_SKEW)
    assert (chunk.owner, chunk.attempt) == ("owner-2", 2)
    assert network.proxy.commits == 3
    assert isinstance(network.others.chunks.claim(KEY, "owner-3", NOW + LEASE + CLOCK_SKEW), Busy)
    assert network.stores.chunks.save_chunk(chunk) is not None


def test_checkpoint_is_stored_and_the_next_one_too(network: Network) -> None:
    chunk = replace(_claim(network.stores), results=RESULTS)
    network.lose_answers()
    saved = network.stores.chunks.save_chunk(chunk)
    assert network.was_sent_again()
    assert saved is not None
    assert network.stores.chunks.save_chunk(replace(saved, reason="second")) is not None


def _lose_a_checkpoint(network: Network, chunk: Chunk) -> None:
    """A checkpoint that is stored and whose answers are all lost, until the client gives up."""
    network.lose_answers(1_000_000, refusals=True)
    with pytest.raises(Unavailable):
        network.stores.chunks.save_chunk(chunk)
    network.lose_answers(0)


def test_end_after_a_checkpoint_whose_answer_never_came_is_stored(network: Network) -> None:
    network.others.notifications.accept(a_notification(), [a_recipient()])
    chunk = _claim(network.stores)
    _lose_a_checkpoint(network, replace(chunk, reason="a checkpoint"))
    assert network.stores.chunks.conclude(_done(chunk), a_notification(status=NotificationStatus.COMPLETED))
    assert network.others.notifications.get_with_chunk(KEY) == (a_notification(status=NotificationStatus.COMPLETED), _done(chunk))


def test_end_after_a_checkpoint_whose_answer_never_came_is_refused_once_another_call_holds_the_chunk(network: Network) -> None:
    network.others.notifications.accept(a_notification(), [a_recipient()])
    chunk = _claim(network.stores)
    _lose_a_checkpoint(network, chunk)
    taken = _claim(network.others, "owner-2", LEASE + CLOCK_SKEW)
    assert not network.stores.chunks.conclude(_done(chunk), a_notification(status=NotificationStatus.COMPLETED))
    assert network.others.notifications.get_with_chunk(KEY) == (a_notification(), taken)


def test_end_is_stored(network: Network) -> None:
    network.others.notifications.accept(a_notification(), [a_recipient()])
    chunk = _done(_claim(network.stores))
    network.lose_answers()
    assert network.stores.chunks.conclude(chunk, a_notification(status=NotificationStatus.COMPLETED))
    assert network.was_sent_again()
    assert network.others.notifications.get_with_chunk(KEY) == (a_notification(status=NotificationStatus.COMPLETED), chunk)


def test_end_by_a_holder_that_lost_its_claim_is_refused(network: Network) -> None:
    network.others.notifications.accept(a_notification(), [a_recipient()])
    chunk = _done(_claim(network.stores))
    taken = _claim(network.others, "owner-2", LEASE + CLOCK_SKEW)
    network.lose_answers(refusals=True)
    assert not network.stores.chunks.conclude(chunk, a_notification(status=NotificationStatus.COMPLETED))
    assert network.others.notifications.get_with_chunk(KEY) == (a_notification(), taken)
    assert network.was_sent_again()


@pytest.mark.parametrize("begun", [False, True])
def test_cancel_is_stored_and_told_of_once(network: Network, begun: bool) -> None:  # noqa: FBT001 - whether a call holds the chunk
    network.others.notifications.accept(a_notification(), [a_recipient()])
    if begun:
        _claim(network.others)
    network.lose_answers()
    audit = trail("notification.cancelled", Actor(ActorKind.CLIENT, "client-1"), NOW)
    state = network.stores.notifications.steer(KEY, lambda notification, chunk: decide_cancel(notification, chunk, NOW), audit)
    assert network.was_sent_again()
    assert state == network.others.notifications.get_with_chunk(KEY)
    assert state is not None
    assert state[0].status_reason == ("cancelling" if begun else "by_caller")
    assert len(network.others.audit.list("acme", AuditFilter(), 10, None).items) == 1


def test_two_answers_lost_in_a_row_change_nothing(network: Network) -> None:
    network.lose_answers(2, refusals=True)
    _claim(network.stores)
    assert network.was_sent_again(2)
    assert _stored_chunk(network.others) is None  # There is no notification, only its claimed chunk.
    assert isinstance(network.others.chunks.claim(KEY, "owner-2", NOW), Busy)


# Erasing


def test_device_is_erased_once_and_told_once(network: Network) -> None:
    network.others.devices.save("acme", [RegistrationPlan(a_device())])
    network.lose_answers()
    assert network.stores.devices.erase("acme", ["device-1"], AuditEntry("device.erased", Actor(ActorKind.CLIENT, "client-1"), NOW)) == 1
    assert network.was_sent_again()
    assert network.others.devices.get("acme", ["device-1"]) == []
    assert len(network.others.audit.list("acme", AuditFilter(), 10, None).items) == 1


# What sending again can't help


def test_answers_that_never_arrive_end_as_unavailable_and_the_write_is_found_afterwards(network: Network) -> None:
    network.lose_answers(1_000_000, refusals=True)
    started = time.monotonic()
    with pytest.raises(Unavailable):
        network.stores.notifications.accept(a_notification(), [a_recipient()])
    assert time.monotonic() - started < COMMIT_SECONDS
    network.lose_answers(0)
    assert network.stores.notifications.accept(a_notification(), [a_recipient()]) == a_notification()


def test_oversized_commit_fails_at_once(network: Network) -> None:
    """The emulator refuses more than 4 MiB with RESOURCE_EXHAUSTED, which the client's own policy would send again for a minute."""
    plans = [RegistrationPlan(a_device(id=f"d{number}", tags=("x" * 100_000,))) for number in range(45)]
    network.lose_answers(0)
    started = time.monotonic()
    with pytest.raises(Unavailable):
        network.stores.devices.save("acme", plans)
    assert time.monotonic() - started < 3
    assert network.proxy.commits == 1
    assert list(network.others.devices.list("acme", DeviceFilter(), 10, None).items) == []
