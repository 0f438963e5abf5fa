from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from fanfare.domain.address import Address, AddressKind
from fanfare.domain.call import ActorKind
from fanfare.domain.chunk import ChunkKey
from fanfare.domain.errors import IdempotencyMismatch, InvalidRequest
from fanfare.domain.message import Message, Platform, Priority, TargetKind
from fanfare.domain.notification import FIRST_CHECK, Counts, NotificationStatus, StatusReason
from fanfare.domain.send_request import MOST_RECIPIENTS, Addressees, RawTarget
from fanfare.domain.sweeping import Overdue
from fanfare.domain.target import Target
from fanfare.ports import Deps
from fanfare.services.accept_notification import accept_notification
from tests.factories import NOW, TENANT_ID, a_call, a_device, a_token
from tests.fakes import RecordingTaskQueue, SendTask, fake_deps
from tests.unit.services.seeding import a_request, add_devices, add_profile, device_of, username

TO_BOTH = Addressees(device_ids=("device-1", "device-2"))
TOPIC = Addressees(fanned_out=Target(TargetKind.TOPIC, "news"))


@pytest.fixture
def tasks() -> RecordingTaskQueue:
    return RecordingTaskQueue()


@pytest.fixture
def deps(tasks: RecordingTaskQueue) -> Deps:
    """Two devices."""
    deps = fake_deps(tasks=tasks)
    add_devices(deps, a_device(), a_device(id="device-2"))
    return deps


def _rows(deps: Deps, notification_id: str, tenant: str = TENANT_ID) -> list[str]:
    return [row.device_id for row in deps.chunks.read_recipients(ChunkKey(tenant, notification_id, 0))]


def _unfinished(deps: Deps) -> list[str]:
    overdue: Overdue = deps.notifications.find_overdue(NOW + timedelta(days=1), 100)
    return [key.notification_id for key in overdue.notifications]


def test_accepted_request_is_stored_with_its_recipients_and_nudged(deps: Deps, tasks: RecordingTaskQueue) -> None:
    accepted = accept_notification(deps, a_call(), a_request(TO_BOTH))
    notification = accepted.notification
    assert not accepted.replayed
    assert deps.notifications.get(TENANT_ID, notification.id) == notification
    assert _rows(deps, notification.id) == ["device-1", "device-2"]
    assert (notification.status, notification.status_reason) == (NotificationStatus.QUEUED, None)
    assert (notification.counts, notification.chunk_count) == (Counts(targeted=2, unsent=2), 1)
    assert (notification.created_at, notification.planned_at, notification.next_check_at) == (NOW, NOW, NOW + FIRST_CHECK)
    assert tasks.sends == [SendTask(ChunkKey(TENANT_ID, notification.id, 0), "request-1")]


def test_request_is_stored_as_it_was_said(deps: Deps) -> None:
    raw = {"title": "Hello", "data": {"a": "b"}}
    message = Message(title="Hello", data={"a": "b"})
    names = tuple(f"user-{number}" for number in range(25))
    request = a_request(TO_BOTH, raw=raw, message=message, validate_only=True, caller="billing", type="invoice", usernames=names)
    notification = accept_notification(deps, a_call(id="client-7"), request).notification
    assert (notification.request, notification.message, notification.request_hash) == (raw, message, "hash-1")
    assert (notification.validate_only, notification.caller, notification.type) == (True, "billing", "invoice")
    assert (notification.client_id, notification.request_id, notification.usernames) == ("client-7", "request-1", names[:20])


def test_notification_says_who_made_it_from_where_and_to_whom_it_goes(deps: Deps) -> None:
    people = tuple(Address(AddressKind.PROFILE, f"profile-{number}") for number in range(25))
    notification = accept_notification(deps, a_call(id="client-7"), a_request(Addressees(addresses=people))).notification
    assert notification.profile_ids == tuple(f"profile-{number}" for number in range(20))
    assert (notification.actor_kind, notification.client_id, notification.address) == (ActorKind.CLIENT, "client-7", "203.0.113.7")
    assert (notification.topic, notification.paused) == (None, False)


def test_notification_to_a_topic_is_found_by_it_and_one_to_a_condition_is_not(deps: Deps) -> None:
    condition = Addressees(fanned_out=Target(TargetKind.CONDITION, "'a' in topics"))
    assert [accept_notification(deps, a_call(), a_request(to)).notification.topic for to in (TOPIC, condition)] == ["news", None]


@pytest.mark.parametrize(
    ("message", "seconds"),
    [({"ttl_seconds": 60}, 60), ({"priority": Priority.HIGH}, 86_400), ({"priority": Priority.NORMAL}, 2_419_200), ({"ttl_seconds": 0}, 0)],
)
def test_life_is_the_callers_or_follows_from_the_priority(deps: Deps, message: dict[str, Any], seconds: int) -> None:
    request = a_request(TO_BOTH, message=Message(title="x", **message))
    assert accept_notification(deps, a_call(), request).notification.ttl_seconds == seconds


def test_topic_is_one_recipient(deps: Deps) -> None:
    notification = accept_notification(deps, a_call(), a_request(TOPIC)).notification
    assert (_rows(deps, notification.id), notification.counts.targeted) == ([""], 1)


# Nobody


def test_request_that_reaches_nobody_is_completed_with_its_reason_and_not_nudged(deps: Deps, tasks: RecordingTaskQueue) -> None:
    notification = accept_notification(deps, a_call(), a_request(Addressees(device_ids=("nobody",)))).notification
    stored = deps.notifications.get(TENANT_ID, notification.id)
    assert stored is not None
    assert (stored.status, stored.status_reason, stored.completed_at) == (NotificationStatus.COMPLETED, StatusReason.NO_RECIPIENTS, NOW)
    assert (stored.counts, stored.chunk_count, stored.next_check_at) == (Counts(), 0, None)
    assert (_rows(deps, notification.id), tasks.sends) == ([], [])


# The nudge


def test_request_is_accepted_although_the_queue_refuses_and_the_sweep_finds_it(deps: Deps, tasks: RecordingTaskQueue) -> None:
    tasks.refusing = True
    notification = accept_notification(deps, a_call(), a_request(TO_BOTH)).notification
    assert tasks.sends == []
    key = ChunkKey(TENANT_ID, notification.id, 0)
    assert deps.notifications.find_overdue(NOW + FIRST_CHECK - timedelta(seconds=1), 10) == Overdue([], [])
    assert deps.notifications.find_overdue(NOW + FIRST_CHECK, 10) == Overdue([], [key])


# Repeats


def test_repeat_under_a_key_gets_the_first_notification_and_sends_nothing(deps: Deps, tasks: RecordingTaskQueue) -> None:
    first = accept_notification(deps, a_call("key"), a_request(TO_BOTH))
    again = accept_notification(deps, a_call("key"), a_request(TO_BOTH))
    assert (again.notification, again.replayed) == (first.notification, True)
    assert len(tasks.sends) == 1


def test_repeat_that_would_reach_others_by_now_reaches_those_of_the_first(deps: Deps) -> None:
    to = Addressees(device_ids=("device-1", "device-3"))
    first = accept_notification(deps, a_call("key"), a_request(to)).notification
    add_devices(deps, a_device(id="device-3"))
    assert accept_notification(deps, a_call("key"), a_request(to)).notification.counts.targeted == 1
    assert _rows(deps, first.id) == ["device-1"]


def test_repeat_that_would_reach_too_many_by_now_gets_the_first_notification(deps: Deps, tasks: RecordingTaskQueue) -> None:
    alice = add_profile(deps, "crowd", username="alice")
    to = Addressees(addresses=(username("alice"),))
    add_devices(deps, device_of(alice, id="first"))
    first = accept_notification(deps, a_call("key"), a_request(to)).notification
    add_devices(deps, *(device_of(alice, id=f"later-{number}", target=a_token(f"later-{number}")) for number in range(MOST_RECIPIENTS)))
    with pytest.raises(InvalidRequest):
        accept_notification(deps, a_call("another key"), a_request(to))
    again = accept_notification(deps, a_call("key"), a_request(to))
    assert (again.notification.id, again.replayed, len(tasks.sends)) == (first.id, True, 1)


def test_another_body_under_a_key_is_refused_and_changes_nothing(deps: Deps, tasks: RecordingTaskQueue) -> None:
    first = accept_notification(deps, a_call("key"), a_request(TO_BOTH)).notification
    with pytest.raises(IdempotencyMismatch):
        accept_notification(deps, a_call("key"), a_request(TO_BOTH, request_hash="another"))
    assert _unfinished(deps) == [first.id]
    assert len(tasks.sends) == 1


@pytest.mark.parametrize("other", [{"id": "client-2"}, {"tenant": "globex"}])
def test_one_key_of_two_callers_is_two_notifications(deps: Deps, other: dict[str, str]) -> None:
    add_devices(deps, a_device(), a_device(id="device-2"), tenant="globex")
    first = accept_notification(deps, a_call("key"), a_request(TO_BOTH)).notification
    second = accept_notification(deps, a_call("key", **other), a_request(TO_BOTH, request_hash="another"))
    assert second.notification.id != first.id
    assert not second.replayed


def test_without_a_key_each_request_is_a_notification(deps: Deps) -> None:
    ids = {accept_notification(deps, a_call(), a_request(TO_BOTH)).notification.id for _ in range(3)}
    assert len(ids) == 3
    assert sorted(_unfinished(deps)) == sorted(ids)


# What is refused before anything is stored


@pytest.mark.parametrize(
    ("to", "message", "field"),
    [
        (TO_BOTH, Message(), "title"),
        (TO_BOTH, Message(title="x", android={"no_such_field": 1}), "android.no_such_field"),
        (TO_BOTH, Message(title="x", body="y" * 4_096), "body"),
        (TOPIC, Message(title="x", body="y" * 2_048), "body"),
        (Addressees(device_ids=("nobody",)), Message(title="x", body="y" * 4_096), "body"),
    ],
)
def test_message_that_fcm_would_refuse_is_refused_and_nothing_is_stored(
    deps: Deps, tasks: RecordingTaskQueue, to: Addressees, message: Message, field: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        accept_notification(deps, a_call("key"), a_request(to, message=message))
    assert field in {error.field for error in refused.value.errors}
    assert (_unfinished(deps), tasks.sends) == ([], [])


def test_key_of_a_refused_request_is_free_for_the_corrected_one(deps: Deps) -> None:
    with pytest.raises(InvalidRequest):
        accept_notification(deps, a_call("key"), a_request(TO_BOTH, message=Message(), request_hash="wrong"))
    assert not accept_notification(deps, a_call("key"), a_request(TO_BOTH)).replayed


def test_size_counts_only_for_the_platforms_that_the_message_goes_to(deps: Deps) -> None:
    message = Message(title="x", android={"data": {"k": "y" * 4_096}})
    to_ios = Addressees(targets=(RawTarget(a_token("raw"), Platform.IOS),))
    assert accept_notification(deps, a_call(), a_request(to_ios, message=message)).notification.counts.targeted == 1
    to_android = Addressees(targets=(RawTarget(a_token("raw"), Platform.ANDROID),))
    with pytest.raises(InvalidRequest):
        accept_notification(deps, a_call(), a_request(to_android, message=message))


def test_targets_that_are_together_too_long_for_one_document_are_refused(deps: Deps, tasks: RecordingTaskQueue) -> None:
    def raw(number: int) -> Addressees:
        return Addressees(targets=tuple(RawTarget(a_token(value=f"{index:04}{'x' * 4_092}"), Platform.IOS) for index in range(number)))

    with pytest.raises(InvalidRequest) as refused:
        accept_notification(deps, a_call(), a_request(raw(180)))
    assert [error.field for error in refused.value.errors] == ["to"]
    assert (_unfinished(deps), tasks.sends) == ([], [])
    assert accept_notification(deps, a_call(), a_request(raw(160))).notification.counts.targeted == 160
