"""What every store does with the documents that profiles' own apps listen to: they ride in the commits of what they tell of."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from fanfare.domain.audit import trail
from fanfare.domain.chunk import Chunk, ChunkKey, ChunkState, Stop
from fanfare.domain.message import Platform
from fanfare.domain.notification import Counts, Notification, NotificationStatus
from fanfare.domain.outcome import Outcome, Result
from fanfare.domain.steering import Steered, decide_cancel
from tests.contract.stores.real import Stores
from tests.factories import NOW, a_call, a_notification, a_recipient
from tests.fakes import MemoryNotificationStore

KEY = ChunkKey("acme", "notification-1", 0)
VIEWERS = {"alice-7_x": ("phone", "tablet"), "bob": ("desk",)}
RESULTS = {
    "phone": Result(Outcome.SENT, "projects/acme-app/messages/1", 200, 1, Platform.ANDROID),
    "tablet": Result(Outcome.FAILED, "UNREGISTERED", 404, 1, Platform.IOS),
    "desk": Result(Outcome.RETRYING, "UNAVAILABLE", 503, 1, Platform.WEB),
}
Seen = tuple[str, int, int, int, int, int]


def seen(stores: Stores, notification_id: str = KEY.notification_id) -> dict[str, Seen]:
    """By profile: the state, and how many are targeted, sent, failed, retrying and unsent."""
    if isinstance(stores.notifications, MemoryNotificationStore):
        found = {profile: view for (tenant, name, profile), view in stores.notifications.views.items() if (tenant, name) == ("acme", notification_id)}
        counted = {profile: (view.status.value, view.counts) for profile, view in found.items()}
        return {
            profile: (status, count.targeted, count.sent, count.failed, count.retrying, count.unsent) for profile, (status, count) in counted.items()
        }
    return {profile: (fields["status"], *fields["counts"].values()) for profile, fields in documents(stores, notification_id).items()}


def documents(stores: Stores, notification_id: str = KEY.notification_id) -> dict[str, dict[str, Any]]:
    """The documents themselves, with their counts in the order of the names below."""
    firestore = stores.notifications._firestore  # type: ignore[attr-defined]
    snapshots = firestore.collection(f"tenants/acme/notifications/{notification_id}/public").get()
    found = {snapshot.id: snapshot.to_dict() for snapshot in snapshots}
    names = ("targeted", "sent", "failed", "retrying", "unsent")
    assert all(fields["counts"].keys() == set(names) for fields in found.values())
    return {profile: {**fields, "counts": {name: fields["counts"][name] for name in names}} for profile, fields in found.items()}


@pytest.fixture
def accepted(stores: Stores, tenant: str) -> Stores:
    """A store with a notification to three devices of two profiles."""
    assert stores.notifications.accept(told(), [a_recipient()]) is None
    return stores


def told(**fields: Any) -> Notification:
    return a_notification(**{"viewers": VIEWERS, "counts": Counts(3, unsent=3)} | fields)


def claim(stores: Stores) -> Chunk:
    chunk = stores.chunks.claim(KEY, "owner-1", NOW)
    assert isinstance(chunk, Chunk)
    return chunk


def conclude(stores: Stores, chunk: Chunk, **fields: Any) -> bool:
    ended = replace(chunk, state=ChunkState.RETRYING, results=RESULTS, counts=Counts(3, 1, 1, 1))
    return stores.chunks.conclude(ended, told(status=NotificationStatus.SENDING, counts=Counts(3, 1, 1, 1), **fields))


def cancel(notification: Notification, chunk: Chunk | None) -> Steered | None:
    return decide_cancel(notification, chunk, NOW)


QUEUED: dict[str, Seen] = {"alice-7_x": ("queued", 2, 0, 0, 0, 2), "bob": ("queued", 1, 0, 0, 0, 1)}
SENDING: dict[str, Seen] = {"alice-7_x": ("sending", 2, 1, 1, 0, 0), "bob": ("sending", 1, 0, 0, 1, 0)}
STEER = trail("notification.cancelled", a_call().actor, NOW)


def test_new_notification_has_a_document_for_each_viewer(accepted: Stores) -> None:
    assert seen(accepted) == QUEUED
    stored = accepted.notifications.get("acme", KEY.notification_id)
    assert stored is not None
    assert stored.viewers == VIEWERS


def test_one_without_viewers_has_none(stores: Stores, tenant: str) -> None:
    stores.notifications.accept(told(viewers={}), [a_recipient()])
    assert conclude(stores, claim(stores), viewers={})
    assert seen(stores) == {}


def test_repeat_of_a_request_changes_none(accepted: Stores) -> None:
    conclude(accepted, claim(accepted))
    assert accepted.notifications.accept(told(), [a_recipient()]) is not None
    assert seen(accepted) == SENDING


def test_end_of_a_pass_changes_each(accepted: Stores) -> None:
    assert conclude(accepted, claim(accepted))
    assert seen(accepted) == SENDING


def test_refused_end_changes_none(accepted: Stores) -> None:
    assert not conclude(accepted, replace(claim(accepted), owner="owner-2", revision=NOW))
    assert not conclude(accepted, replace(claim_again(accepted), stop=Stop.CANCEL, revision=NOW))
    assert seen(accepted) == QUEUED


def claim_again(stores: Stores) -> Chunk:
    chunk = stores.chunks.claim(KEY, "owner-3", NOW + timedelta(hours=1))
    assert isinstance(chunk, Chunk)
    return chunk


def test_steering_changes_each(accepted: Stores) -> None:
    accepted.notifications.steer(KEY, cancel, STEER)
    assert seen(accepted) == {"alice-7_x": ("cancelled", 2, 0, 0, 0, 2), "bob": ("cancelled", 1, 0, 0, 0, 1)}


def test_erased_viewer_has_none_any_more_and_keeps_nobody_from_seeing_the_end(accepted: Stores) -> None:
    chunk = claim(accepted)
    assert [accepted.notifications.forget_viewer("acme", "bob", 10) for _ in range(2)] == [1, 0]
    assert conclude(accepted, chunk)
    assert seen(accepted) == {"alice-7_x": SENDING["alice-7_x"]}


def test_erased_viewer_keeps_nobody_from_steering(accepted: Stores) -> None:
    accepted.notifications.forget_viewer("acme", "alice-7_x", 10)
    steered = accepted.notifications.steer(KEY, cancel, STEER)
    assert steered is not None
    assert steered[0].status is NotificationStatus.CANCELLED
    assert seen(accepted) == {"bob": ("cancelled", 1, 0, 0, 0, 1)}


def test_erasure_goes_page_by_page_through_one_tenant(accepted: Stores, other_tenant: str) -> None:
    for number in (2, 3):
        accepted.notifications.accept(told(id=f"notification-{number}"), [a_recipient()])
    accepted.notifications.accept(told(tenant=other_tenant), [a_recipient()])
    assert [accepted.notifications.forget_viewer("acme", "bob", 2) for _ in range(3)] == [2, 1, 0]
    assert all(set(seen(accepted, f"notification-{number}")) == {"alice-7_x"} for number in (1, 2, 3))
    assert accepted.notifications.forget_viewer(other_tenant, "bob", 10) == 1


@pytest.mark.parametrize("whole", [True, False])
def test_removed_notification_takes_them_along(accepted: Stores, whole: bool) -> None:  # noqa: FBT001 - a case
    over = told(status=NotificationStatus.COMPLETED, completed_at=NOW, counts=Counts(3, 3))
    assert accepted.chunks.conclude(replace(claim(accepted), state=ChunkState.DONE, completed_at=NOW), over)
    (ended,) = accepted.ended.find("acme", NOW, 10)
    assert set(ended.viewers) == set(VIEWERS)
    assert accepted.ended.remove_small("acme", [ended], NOW, whole=whole) == 1
    assert set(seen(accepted)) == (set() if whole else set(VIEWERS))


def test_many_viewers_are_removed_with_their_notifications(stores: Stores, tenant: str) -> None:
    viewers = {f"profile-{number}": (f"device-{number}",) for number in range(100)}
    names = [f"notification-{number}" for number in range(5)]
    for name in names:
        over = told(id=name, viewers=viewers, status=NotificationStatus.COMPLETED, completed_at=NOW)
        assert stores.notifications.accept(over, [a_recipient()]) is None
    ended = stores.ended.find(tenant, NOW, 10)
    assert stores.ended.remove_small(tenant, ended, NOW, whole=True) == len(names)
    assert [seen(stores, name) for name in names] == [{}] * len(names)


@pytest.mark.parametrize("stores", ["firestore"], indirect=True)
def test_document_is_one_that_a_person_can_read(accepted: Stores) -> None:
    before = documents(accepted)["bob"]
    conclude(accepted, claim(accepted))
    after = documents(accepted)["bob"]
    assert {name: after[name] for name in ("v", "tenant", "profile_id", "status", "created_at")} == {
        "v": 1, "tenant": "acme", "profile_id": "bob", "status": "sending", "created_at": NOW,
    }  # fmt: skip
    assert after.keys() == {"v", "tenant", "profile_id", "status", "created_at", "counts", "updated_at"}
    assert isinstance(before["updated_at"], datetime)
    assert after["updated_at"] > before["updated_at"]
