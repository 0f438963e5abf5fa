"""A call that dies anywhere while it accepts a request to send to many: its repeat ends it, and everybody is reached once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from fanfare.domain.chunk import ChunkKey
from fanfare.domain.errors import Unavailable
from fanfare.domain.filters import NotificationFilter
from fanfare.domain.notification import Counts, NotificationStatus
from fanfare.domain.recipient import Recipient
from fanfare.ports import Deps
from fanfare.services import accept_bulk as accepting
from fanfare.services.accept_bulk import accept_bulk
from tests.factories import NOW, TENANT_ID, a_call, a_device
from tests.fakes import MemoryNotificationStore, MemoryRecipientStore, RecordingTaskQueue, fake_deps
from tests.unit.services.bulk import a_message, chunks_of, messages, one_message, to_users
from tests.unit.services.seeding import add_devices, add_profile, device_of
from tests.unit.services.test_crashes import Crash, Fault, Fragile, live_through_everything

NAMES = tuple(f"user-{number}" for number in range(7))


class BreakingRecipients(MemoryRecipientStore):
    """Each of its commits is a step that may fail, and so is each other call."""

    def __init__(self, notifications: MemoryNotificationStore, fault: Fault) -> None:
        super().__init__(notifications, per_commit=1)
        self._fault = fault

    def create(self, tenant: str, notification_id: str, first_number: int, chunks: Sequence[Sequence[Recipient]]) -> bool:
        return bool(self._fault.step(lambda: super(BreakingRecipients, self).create(tenant, notification_id, first_number, chunks)))

    def read_all(self, tenant: str, notification_id: str) -> Any:
        return self._fault.step(lambda: super(BreakingRecipients, self).read_all(tenant, notification_id))

    def queue(self, notification: Any) -> Any:
        return self._fault.step(lambda: super(BreakingRecipients, self).queue(notification))


@pytest.fixture(autouse=True)
def _chunks_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accepting, "close_chunks", lambda rows: (rows[start : start + 2] for start in range(0, len(rows), 2)))


def _people(deps: Deps) -> None:
    for name in NAMES:
        add_devices(deps, device_of(add_profile(deps, name, username=name), id=f"device-of-{name}"))


def _repeat_until_answered(fault: Fault, *, newcomer: bool) -> None:
    notifications, tasks = MemoryNotificationStore(), RecordingTaskQueue()
    whole = fake_deps(notifications=notifications, tasks=tasks)
    _people(whole)
    fragile = {"notifications": Fragile(notifications, fault), "tasks": Fragile(tasks, fault), "recipients": BreakingRecipients(notifications, fault)}
    deps = replace(whole, **fragile)
    for number in range(3):
        try:
            accepted = accept_bulk(deps, a_call("key"), one_message(to_users(*NAMES, "late")))
            break
        except (Crash, Unavailable):
            if newcomer and number == 0:
                add_devices(whole, device_of(add_profile(whole, "late", username="late"), id="device-of-late"))
    (stored,) = notifications.list(TENANT_ID, NotificationFilter(), 10, None).items
    chunks = chunks_of(whole, stored.id)
    reached = [device for chunk in chunks for device in chunk]
    assert stored == accepted.notification
    assert stored.status is NotificationStatus.QUEUED
    assert len(reached) == len(set(reached))
    assert set(reached) - {"device-of-late"} == {f"device-of-{name}" for name in NAMES}
    assert (stored.counts, stored.chunk_count) == (Counts(len(reached), unsent=len(reached)), len(chunks))
    assert stored.layout is not None
    assert stored.layout.stages == (len(chunks),)
    assert stored.next_check_at is not None, "the sweep finds it if its nudge was lost"


@pytest.mark.parametrize("newcomer", [False, True])
def test_repeat_ends_what_a_call_has_begun_wherever_it_died(newcomer: bool) -> None:  # noqa: FBT001 - the test's parameter
    assert live_through_everything(lambda fault: _repeat_until_answered(fault, newcomer=newcomer)) >= 28


def test_two_calls_that_accept_one_request_at_once_name_nobody_twice() -> None:
    """The other call comes between two commits of this one."""
    notifications = MemoryNotificationStore()
    deps = fake_deps(notifications=notifications)
    _people(deps)
    request = one_message(to_users(*NAMES))

    class Interrupted(MemoryRecipientStore):
        others = 0

        def create(self, tenant: str, notification_id: str, first_number: int, chunks: Sequence[Sequence[Recipient]]) -> bool:
            if first_number == 1 and not self.others:
                self.others += 1
                assert super().create(tenant, notification_id, 1, [[a_row("device-of-user-6"), a_row("device-of-user-2")]])
            return super().create(tenant, notification_id, first_number, chunks)

    accepted = accept_bulk(replace(deps, recipients=Interrupted(notifications, per_commit=1)), a_call("key"), request)
    chunks = chunks_of(deps, accepted.notification.id)
    assert [sorted(chunk) for chunk in chunks] == [
        ["device-of-user-0", "device-of-user-1"],
        ["device-of-user-2", "device-of-user-6"],
        ["device-of-user-3", "device-of-user-4"],
        ["device-of-user-5"],
    ]
    assert accepted.notification.counts.targeted == 7


def a_row(device_id: str) -> Recipient:
    device = a_device(id=device_id)
    return Recipient(device.id, device.target, device.platform)


def test_call_that_is_always_overtaken_gives_up_and_leaves_its_request_to_be_repeated() -> None:
    notifications = MemoryNotificationStore()
    deps = fake_deps(notifications=notifications)
    _people(deps)

    class Overtaken(MemoryRecipientStore):
        def append(self, tenant: str, notification_id: str, first_number: int, chunks: Sequence[Sequence[Recipient]]) -> int:
            return 0

    with pytest.raises(Unavailable):
        accept_bulk(replace(deps, recipients=Overtaken(notifications)), a_call("key"), one_message(to_users(*NAMES)))
    (stored,) = notifications.list(TENANT_ID, NotificationFilter(), 10, None).items
    assert (stored.status, stored.next_check_at) == (NotificationStatus.ACCEPTING, NOW + accepting.ACCEPTING_FOR)
    assert notifications.read_recipients(ChunkKey(TENANT_ID, stored.id, 0)) == ()


def test_notification_that_was_removed_meanwhile_is_not_sent() -> None:
    deps = fake_deps()
    _people(deps)

    class Removed(MemoryRecipientStore):
        def queue(self, notification: Any) -> None:
            return None

    with pytest.raises(Unavailable):
        accept_bulk(replace(deps, recipients=Removed()), a_call(), messages(a_message(to_users("user-1"))))
