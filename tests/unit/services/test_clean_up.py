"""The daily cleanup of one tenant: what goes, what stays, and how far one call goes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from fanfare.domain.dead_letter import webhook_letter_of
from fanfare.domain.device import Device, InactiveReason
from fanfare.domain.errors import Unavailable
from fanfare.domain.event import Event, EventKind
from fanfare.domain.retention import Cleaning, Kind, Swept, due_before
from fanfare.domain.tenant_keys import KeyRotation, Phase
from fanfare.domain.webhook_delivery import DeliveryKey, DeliveryState, new_delivery
from fanfare.services.begin_cleanup import begin_cleanup
from fanfare.services.clean_up import WORK, clean_up
from fanfare.services.ended_pages import PAGE
from fanfare.services.expire_devices import PAGE as DEVICES
from fanfare.services.expire_notifications import remove_notifications
from fanfare.services.expire_recipients import LETTERS
from tests.factories import NOW, TENANT_ID, a_call, a_tenant
from tests.unit.services.cleaning import DAY, Attic, assert_cleaned, full_attic


def test_what_is_due_goes_and_nothing_else_is_touched() -> None:
    attic = full_attic()
    removed = attic.clean()
    assert_cleaned(attic)
    assert removed == {
        Kind.IDLE_TARGETS: 3,
        Kind.INACTIVE_DEVICES: 1,
        Kind.DELETED_DEVICES: 1,
        Kind.PROFILES: 1,
        Kind.DEAD_LETTERS: 1,
        # Of three notifications of one chunk, of which two go as a whole later in this call; of two chunks each of two of many.
        Kind.RECIPIENTS: sum([1, 1, 1, 2, 2]),
        Kind.NOTIFICATIONS: 3,
        Kind.AUDIT: 1,
    }
    (entry,) = [entry for _, entry in attic.audit.entries if entry.action == "cleanup.performed"]
    assert entry.facts == {kind.value: str(number) for kind, number in removed.items()}
    (line,) = [record for record in attic.log.records if record.event == "cleaned_up"]
    assert line.fields == {"tenant": TENANT_ID, "removed": {kind.value: number for kind, number in removed.items()}}


def test_second_call_removes_nothing_and_says_nothing_to_the_audit_log() -> None:
    attic = full_attic()
    attic.clean()
    before = len(attic.audit.entries)
    assert attic.clean() == {}
    assert len(attic.audit.entries) == before
    assert_cleaned(attic)


def test_retired_targets_are_wiped_after_another_month_and_counted_then() -> None:
    attic = full_attic()
    attic.clean()
    attic.clock.advance(31 * DAY)
    assert attic.clean()[Kind.INACTIVE_DEVICES] == 4
    assert {"idle-android", "idle-ios", "idle-web", "gone-29"} & attic.stored_devices().keys() == set()
    assert attic.cleaned() == {"android": 4, "ios": 2, "web": 1}


def test_tombstones_stay_until_the_audience_knows_of_them() -> None:
    attic = full_attic()
    attic.clean()
    attic.clock.advance(2 * DAY)
    attic.compacted(NOW - timedelta(seconds=1))
    assert Kind.TOMBSTONES not in attic.clean()
    attic.compacted(NOW + timedelta(minutes=5))
    assert attic.clean()[Kind.TOMBSTONES] == 2
    assert attic.tombstones() == {"gone-29", "deleted-29"}, "those that were wiped two days later"


def test_tenants_own_retention_counts() -> None:
    attic = full_attic()
    attic.settings(notifications=30, audit=92, inactive_devices=28, deleted=32)
    removed = attic.clean()
    assert attic.names() == {"under-way", "ended-6", "ended-8", "failed-8", "many-8"}
    assert Kind.AUDIT not in removed
    assert {"gone-29", "gone-31"} & attic.stored_devices().keys() == set()
    assert {"deleted-29", "deleted-31"} <= attic.stored_devices().keys()


def test_chunks_may_go_before_their_notification_and_never_before_their_recipients() -> None:
    attic = Attic()
    attic.settings(chunks=1)
    attic.notification("ended-2", 2)
    attic.notification("failed-9", 9, letters=(0,))
    attic.notification("many-9", 9, chunks=3, letters=(1,))
    assert attic.clean()[Kind.CHUNKS] == 2
    assert attic.names() == {"ended-2", "failed-9", "many-9"}
    assert (attic.recipients("ended-2"), attic.chunks("ended-2")) == ([0], [0])
    assert [attic.recipients(name) + attic.chunks(name) for name in ("failed-9", "many-9")] == [[], []]
    assert attic.letters() == set(), "a dead letter without its chunk could not be replayed"


def test_replayed_notification_is_looked_at_again_when_it_has_ended_again() -> None:
    attic = Attic()
    attic.notification("ended-8", 8, letters=(0,))
    attic.clean()
    assert attic.recipients("ended-8") == [0]
    attic.notifications.put(replace(attic.notifications.everything()[0], completed_at=NOW + DAY))
    attic.notifications._dead_letters.clear()
    attic.clock.advance(7 * DAY)
    assert attic.clean() == {}
    attic.clock.advance(2 * DAY)
    assert attic.clean() == {Kind.RECIPIENTS: 1}
    assert attic.recipients("ended-8") == []


def test_dead_letter_of_a_replay_under_way_leaves_it_its_recipients() -> None:
    attic = Attic()
    attic.notification("under-way", None, letters=(0,))
    assert attic.clean() == {Kind.DEAD_LETTERS: 1}
    assert (attic.recipients("under-way"), attic.letters()) == ([0], set())


def test_notification_that_is_replayed_while_it_is_removed_stays_with_all_that_is_left() -> None:
    attic = Attic()
    attic.notification("many-91", 91, chunks=3)
    found = attic.ended.find(TENANT_ID, NOW, 10)
    attic.notifications.put(replace(attic.notifications.everything()[0], completed_at=None))
    finds = iter([found])
    attic.ended.find = lambda *_: next(finds, [])  # type: ignore[method-assign]
    cleaning = Cleaning(TENANT_ID, NOW, due_before(a_tenant().settings.retention_days, NOW), a_call().actor)
    assert remove_notifications(attic.deps, cleaning) == Swept(0, more=True)
    assert (attic.recipients("many-91"), attic.chunks("many-91")) == ([0, 1, 2], [0, 1, 2])


def test_device_that_was_revived_since_it_was_found_stays_and_is_not_counted() -> None:
    attic = Attic()
    attic.device("gone", InactiveReason.UNREGISTERED, days=40)
    found = list(attic.devices.find_purgeable(TENANT_ID, NOW, 10))
    attic.devices.update(TENANT_ID, "gone", lambda device: replace(device, active=True, inactive_reason=None, inactive_since=None))
    attic.devices.find_purgeable = lambda *_: found  # type: ignore[method-assign]
    assert attic.clean() == {}
    assert attic.stored_devices()["gone"].active
    assert attic.cleaned() == {}


def test_more_than_a_page_of_each_kind_goes_in_one_call() -> None:
    attic = Attic()
    for number in range(DEVICES + 5):
        attic.device(f"gone-{number}", InactiveReason.UNREGISTERED, days=31)
    for number in range(max(PAGE, LETTERS) + 5):
        attic.notification(f"ended-{number}", 91, letters=(0,), letters_at=NOW - 91 * DAY)
    removed = attic.clean()
    assert (removed[Kind.INACTIVE_DEVICES], removed[Kind.DEAD_LETTERS], removed[Kind.NOTIFICATIONS]) == (DEVICES + 5, PAGE + 5, PAGE + 5)
    assert (attic.names(), attic.letters(), attic.stored_devices()) == (set(), set(), {})


def test_notifications_of_one_and_of_many_chunks_go_in_whatever_order_they_ended() -> None:
    attic = Attic()
    for number in range(30):
        attic.notification(f"ended-{number:02}", 120 - number, chunks=1 if number % 8 < 2 else 3, letters=(0,) if number % 3 == 0 else ())
    attic.settings(chunks=30, dead_letters=200)
    removed = attic.clean()
    assert (removed[Kind.CHUNKS], removed[Kind.NOTIFICATIONS], attic.names(), attic.letters()) == (30, 30, set(), set())
    assert not attic.notifications._chunks
    assert not attic.notifications._recipients


def test_call_ends_after_its_time_and_asks_for_another() -> None:
    attic = full_attic()
    find = attic.retention.find_deleted

    def find_slowly(*given: Any) -> list[Device]:
        attic.clock.advance(WORK)
        return find(*given)

    attic.retention.find_deleted = find_slowly  # type: ignore[method-assign]
    assert attic.clean() == {Kind.IDLE_TARGETS: 3, Kind.INACTIVE_DEVICES: 1, Kind.DELETED_DEVICES: 1}
    assert [(task.work, task.tenant, task.request_id) for task in attic.tasks.fanouts] == [("cleanup", TENANT_ID, "request-1")]
    attic.retention.find_deleted = find  # type: ignore[method-assign]
    attic.clean()
    assert_cleaned(attic)
    assert len(attic.tasks.fanouts) == 1


def test_instance_that_is_asked_to_end_begins_no_page() -> None:
    attic = full_attic()
    attic.lifecycle.stopping = True
    assert attic.clean() == {}
    assert [task.work for task in attic.tasks.fanouts] == ["cleanup"]
    attic.lifecycle.stopping = False
    attic.clean()
    assert_cleaned(attic)


def test_refused_task_is_told_in_the_log() -> None:
    attic = full_attic()
    attic.lifecycle.stopping, attic.tasks.refusing = True, True
    attic.clean()
    assert "cleanup_unfinished" in [record.event for record in attic.log.records]


def test_trouble_with_one_kind_does_not_keep_the_others() -> None:
    attic = full_attic()

    def fail(*_: object) -> Swept:
        raise Unavailable("Firestore does not answer.")

    attic.retention.find_idle = fail  # type: ignore[method-assign, assignment]
    removed = attic.clean()
    assert Kind.IDLE_TARGETS not in removed
    assert removed[Kind.NOTIFICATIONS] == 3
    assert [record.fields["kind"] for record in attic.log.records if record.event == "cleanup_interrupted"] == ["idle_targets"]


def test_nothing_is_removed_by_the_default_of_a_setting_that_a_hand_has_broken() -> None:
    attic = full_attic()
    attic.tenants.update(TENANT_ID, lambda tenant: replace(tenant, defects={"retention_days": "must be an object"}))
    assert attic.clean() == {}
    assert len(attic.names()) == 9
    assert clean_up(attic.deps, "unknown", "request-1") == {}


@pytest.mark.parametrize(
    ("retired_days", "shard_days", "is_rotating", "goes"),
    [(100, 50, False, True), (1, 0, False, False), (100, 101, False, False), (100, None, False, True), (100, 50, True, False)],
)
def test_data_key_goes_when_nothing_can_be_sealed_with_it(retired_days: int, shard_days: int | None, *, is_rotating: bool, goes: bool) -> None:
    attic = Attic()
    attic.retention.retired_keys = {(TENANT_ID, "key-0"): NOW - retired_days * DAY, ("globex", "key-9"): NOW - 100 * DAY}
    if shard_days is not None:
        attic.retention.oldest_shards[TENANT_ID] = NOW - shard_days * DAY
    if is_rotating:
        rotation = KeyRotation(Phase.ANNOUNCED, NOW, NOW, "1-0")
        attic.tenants.update(TENANT_ID, lambda tenant: replace(tenant, rotation=rotation))
    assert attic.clean() == ({Kind.DATA_KEYS: 1} if goes else {})
    assert ((TENANT_ID, "key-0") in attic.retention.retired_keys) is not goes
    assert ("globex", "key-9") in attic.retention.retired_keys


def test_data_key_in_use_and_one_of_a_kept_notification_stay() -> None:
    attic = Attic()
    attic.retention.retired_keys = {(TENANT_ID, "key-1"): NOW - 500 * DAY, (TENANT_ID, "key-0"): NOW - 100 * DAY}
    attic.notification("under-way", None)
    assert attic.clean() == {}
    attic.notifications._notifications.clear()
    assert attic.clean() == {Kind.DATA_KEYS: 1}
    assert attic.retention.retired_keys.keys() == {(TENANT_ID, "key-1")}


def test_topics_of_a_retired_target_are_told_to_fcm() -> None:
    attic = Attic()
    attic.device("idle", days=300, topics=("news",))
    attic.clean()
    assert [(task.work, task.subject) for task in attic.tasks.fanouts] == [("topics", ("idle",))]


def test_every_tenant_is_asked_for_and_a_refusal_is_counted() -> None:
    attic = Attic()
    for number in range(120):
        attic.tenants.create(a_tenant(id=f"tenant-{number}"))
    assert begin_cleanup(attic.deps, "request-1") == 121
    assert len({task.tenant for task in attic.tasks.fanouts if task.work == "cleanup"}) == 121
    attic.tasks.refusing = True
    assert begin_cleanup(attic.deps, "request-2") == 0
    assert attic.log.records[-1].fields == {"tenants": 0, "refused": 121}


def test_another_tenants_things_stay() -> None:
    attic = full_attic()
    attic.tenants.create(a_tenant(id="globex"))
    before = (attic.names(), attic.stored_devices(), attic.letters(), attic.actions())
    assert clean_up(attic.deps, "globex", "request-1") == {}
    assert (attic.names(), attic.stored_devices(), attic.letters(), attic.actions()) == before


def test_deliveries_go_with_their_events_and_dead_letters_of_webhooks_by_their_own_days() -> None:
    attic = Attic()
    for name, days in (("old", 90), ("young", 89)):
        event = Event(name, TENANT_ID, EventKind.WEBHOOK_TEST, NOW - days * DAY, {}, webhooks=("webhook-1",))
        attic.deps.events.record([event])
        failed = replace(new_delivery(event, "webhook-1"), state=DeliveryState.FAILED, reason="http_500", attempts=8)
        letter = webhook_letter_of(failed, event.at)
        assert letter is not None
        attic.notifications.put_dead_letter(letter)
    assert attic.clean() == {Kind.DELIVERIES: 1, Kind.DEAD_LETTERS: 1}
    keys = [DeliveryKey(TENANT_ID, "webhook-1", name) for name in ("old", "young")]
    assert [row is not None for row in attic.deps.deliveries.get_many(keys)] == [False, True]
    assert list(attic.notifications._dead_letters) == [(TENANT_ID, "webhook-1-young")]
