"""Receipts are summed once: page after page, whatever is broken off, and whoever else does it at the same time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fanfare.domain.analytics import EVERY_ROW, Amounts, Row, RowFilter, RowKey, day_rows, merge_rows
from fanfare.domain.chunk import Chunk, ChunkKey
from fanfare.domain.message import Platform
from fanfare.domain.receipt import sign_receipt
from fanfare.domain.receipt_sums import NOTED_LAG, NotedPlace, ReceiptSum, Seen, amounts_of
from fanfare.domain.receipts import ReceiptEvent, Report
from fanfare.domain.registration import RegistrationPlan
from fanfare.domain.tallying import row_key
from fanfare.domain.tenant import PLATFORM_TENANT
from fanfare.services.recompute_day import recompute_day
from fanfare.services.roll_up_receipts import PAGE, WORKING_TIME, nudge_receipts, roll_up_receipts
from fanfare.services.rollup import roll_up
from fanfare.services.take_receipts import take_receipts
from tests.factories import NOW, TENANT_ID, a_call, a_device, a_notification, a_tenant
from tests.fakes import FixedClock, MemoryAnalyticsStore, MemoryDeviceStore, MemoryNotificationStore, RecordingTaskQueue, fake_deps
from tests.fakes.receipts import MemoryReceiptStore, MemoryReceiptSumStore
from tests.fakes.tasks import FanoutTask

DELIVERED, READ = ReceiptEvent.DELIVERED, ReceiptEvent.READ
SECOND = timedelta(seconds=1)
DAY = NOW.date()
PLATFORMS = tuple(Platform)


class _Sums(MemoryReceiptSumStore):
    """Before each of its next additions something may happen, and takes a while."""

    def __init__(self, *args: Any, clock: FixedClock) -> None:
        super().__init__(*args)
        self.clock, self.lasts = clock, timedelta(0)
        self.before_adding: list[Any] = []
        self.before_noting: list[Any] = []

    def add(self, event: ReceiptEvent, place: NotedPlace, revision: object, sums: Sequence[ReceiptSum]) -> bool:
        self.clock.advance(self.lasts)
        if self.before_adding:
            self.before_adding.pop(0)()
        return super().add(event, place, revision, sums)

    def note_seen(self, tenant: str, seen: Mapping[str, Seen], at: Mapping[str, datetime]) -> bool:
        if self.before_noting:
            self.before_noting.pop(0)()
        return super().note_seen(tenant, seen, at)


class World:
    """Messages of one chunk to three devices, each of its own platform; all of them were sent a second after they were asked for."""

    def __init__(self, messages: int = 1) -> None:
        self.clock, self.tasks = FixedClock(NOW + 60 * SECOND), RecordingTaskQueue()
        self.notifications = MemoryNotificationStore()
        self.analytics = MemoryAnalyticsStore(self.notifications)
        self.devices = MemoryDeviceStore(self.clock)
        base = fake_deps()
        self.receipts = MemoryReceiptStore(self.notifications, base.events, self.clock)  # type: ignore[arg-type]
        self.sums = _Sums(self.receipts, self.notifications, self.devices, self.analytics, clock=self.clock)
        fakes: dict[str, Any] = {"notifications": self.notifications, "analytics": self.analytics, "devices": self.devices, "clock": self.clock}
        self.deps = fake_deps(**fakes, receipts=self.receipts, receipt_sums=self.sums, tasks=self.tasks)
        self.deps.tenants.create(a_tenant())
        for number, platform in enumerate(PLATFORMS):
            device = a_device(id=f"device-{number}", platform=platform, last_seen_at=NOW - timedelta(days=1))
            self.devices.save(TENANT_ID, [RegistrationPlan(device)])
        for number in range(messages):
            self.add_message(f"notification-{number}", topic="news" if number % 2 else None)

    def add_message(self, name: str, **fields: Any) -> None:
        self.notifications.accept(a_notification(id=name, **fields), [])
        assert isinstance(self.deps.chunks.claim(ChunkKey(TENANT_ID, name, 0), f"owner-{name}", NOW + SECOND), Chunk)

    def report(self, *said: tuple[ReceiptEvent, int], message: str = "notification-0", device: str = "device-0") -> None:
        """Report events, each some seconds after the message was asked for."""
        token = sign_receipt(self.deps.receipt_keys.receipt_key(TENANT_ID), message, device)
        reports = [Report(token, event, NOW + seconds * SECOND) for event, seconds in said]
        take_receipts(self.deps, a_call(), reports, skip_refused=True)

    def sum_up(self) -> int:
        self.clock.advance(NOTED_LAG)
        return roll_up_receipts(self.deps, "request-1")

    def rows(self) -> list[Row]:
        return sorted((row for row in self.analytics.rows(TENANT_ID, DAY, DAY, EVERY_ROW, 99) if row.amounts), key=str)

    def counts(self, name: str = "notification-0") -> tuple[int, int]:
        found = self.notifications.get(TENANT_ID, name)
        assert found is not None
        return found.counts.delivered, found.counts.read

    def seen(self, device: str = "device-0") -> datetime:
        return self.devices.get(TENANT_ID, [device])[0].last_seen_at

    def told_by_receipts(self) -> list[Row]:
        """What the rows must say, by the receipts themselves."""
        rows = []
        for (_, key), receipt in self.receipts.stored.items():
            notification = self.notifications.get(TENANT_ID, key.notification_id)
            device = self.devices.get(TENANT_ID, [key.device_id])
            if notification is not None:
                events = [DELIVERED, *([READ] if receipt.read_at is not None else [])]
                where = row_key(notification, device[0].platform.value if device else None)
                rows += [Row(where, amounts_of(event, receipt, NOW + SECOND)) for event in events]
        return sorted(merge_rows(rows), key=str)


@pytest.fixture
def world() -> World:
    return World()


def test_receipts_count_on_their_message_and_in_its_row(world: World) -> None:
    world.report((DELIVERED, 4), (READ, 9))
    assert world.sum_up() == 2
    amounts = Amounts(total_delivered=1, total_read=1, delivery_ms=3_000, delivery_times=1)
    assert world.rows() == [Row(RowKey(DAY, "client-1", None, "android", None), amounts)]
    assert list(world.analytics.totals(TENANT_ID, DAY, DAY)) == [Row(RowKey(DAY), amounts)]
    assert world.counts() == (1, 1)


def test_what_was_summed_is_not_summed_again(world: World) -> None:
    world.report((DELIVERED, 4))
    assert [world.sum_up() for _ in range(3)] == [1, 0, 0]
    world.report((DELIVERED, 4), (READ, 9))
    assert [world.sum_up() for _ in range(3)] == [1, 0, 0]
    assert world.counts() == (1, 1)


def test_receipts_are_left_alone_for_a_while(world: World) -> None:
    world.report((DELIVERED, 4))
    assert roll_up_receipts(world.deps, "request-1") == 0
    assert world.sum_up() == 1


def test_delivery_that_was_implied_counts_without_its_time(world: World) -> None:
    world.report((READ, 9))
    world.sum_up()
    world.report((DELIVERED, 4))
    world.sum_up()
    assert [row.amounts for row in world.rows()] == [Amounts(total_delivered=1, total_read=1)]


def test_pages_follow_each_other_until_there_is_none(world: World) -> None:
    for number in range(PAGE + 1):
        world.report((DELIVERED, 4), device=f"of-page-{number}")
    assert world.sum_up() == PAGE + 1
    assert world.counts() == (PAGE + 1, 0)
    assert [row.key.platform for row in world.rows()] == [None], "a device that nobody knows has no platform"


def test_long_work_goes_on_in_another_task(world: World) -> None:
    for number in range(PAGE):
        world.report((DELIVERED, 4), (READ, 5), device=f"of-page-{number}")
    world.sums.lasts = WORKING_TIME
    assert world.sum_up() == 2 * PAGE, "the one does not wait for all of the other"
    assert [task.work for task in world.tasks.fanouts] == ["receipts"]
    assert world.sum_up() == 0


def test_slower_of_two_jobs_stops_and_counts_nothing(world: World) -> None:
    world.report((DELIVERED, 4))
    world.sums.before_adding.append(lambda: roll_up_receipts(world.deps, "request-2"))
    assert world.sum_up() == 0
    assert world.counts() == (1, 0)


def test_receipts_of_a_message_that_is_removed_meanwhile_count_nowhere(world: World) -> None:
    world.add_message("notification-9")
    world.report((DELIVERED, 4))
    world.report((DELIVERED, 4), message="notification-9")
    world.sums.before_adding.append(lambda: world.notifications._notifications.pop((TENANT_ID, "notification-9")))
    assert world.sum_up() == 2
    assert (world.counts(), [row.amounts.total_delivered for row in world.rows()]) == ((1, 0), [1])


def test_job_gives_up_where_messages_vanish_again_and_again(world: World) -> None:
    for number in range(4):
        world.add_message(f"doomed-{number}")
        world.report((DELIVERED, 4), message=f"doomed-{number}")
        place = (TENANT_ID, f"doomed-{number}")
        world.sums.before_adding.append(partial(world.notifications._notifications.pop, place))
    world.sums.before_adding.pop()
    assert world.sum_up() == 0
    assert world.rows() == []
    assert world.sum_up() == 4, "the next one goes on"
    assert (world.counts("doomed-3"), [row.amounts.total_delivered for row in world.rows()]) == ((1, 0), [1])


def test_app_that_reports_was_heard_of_once_a_day(world: World) -> None:
    world.report((DELIVERED, 4))
    world.sum_up()
    assert world.seen() == NOW + 60 * SECOND
    revision = world.devices.get(TENANT_ID, ["device-0"])[0].revision
    world.report((READ, 9))
    world.sum_up()
    assert world.devices.get(TENANT_ID, ["device-0"])[0].revision == revision


def test_device_that_others_change_is_read_again(world: World) -> None:
    def change() -> None:
        world.devices.update(TENANT_ID, "device-0", lambda device: replace(device, model=f"{device.model}+"))

    world.report((DELIVERED, 4))
    world.sums.before_noting = [change, change]
    assert world.sum_up() == 1
    assert world.seen() == NOW + 60 * SECOND
    world.clock.advance(timedelta(days=1))
    world.report((READ, 9))
    world.sums.before_noting = [change, change, change]
    assert world.sum_up() == 1, "who is changed all the time is heard of by that"


def test_tick_asks_for_the_summing_only_if_there_is_something_to_sum(world: World) -> None:
    assert not nudge_receipts(world.deps, "request-1")
    world.report((DELIVERED, 4))
    assert not nudge_receipts(world.deps, "request-1")
    world.clock.advance(NOTED_LAG)
    assert roll_up(world.deps, "request-1").receipts
    assert FanoutTask("receipts", PLATFORM_TENANT, (), "request-1") in world.tasks.fanouts
    world.sum_up()
    assert not roll_up(world.deps, "request-1").receipts


def test_starts_of_very_many_chunks_are_not_all_remembered(world: World) -> None:
    for number in range(PAGE + 1):
        world.add_message(f"other-{number}")
        world.report((DELIVERED, 4), message=f"other-{number}")
    world.clock.advance(NOTED_LAG)
    assert roll_up_receipts(world.deps, "request-1", most_starts=PAGE) == PAGE + 1
    assert sum(row.amounts.delivery_times for row in world.rows()) == PAGE + 1


class _Crash(Exception):
    """The instance is gone."""


class _History:
    """What may happen to receipts and to their sums, by chance."""

    def __init__(self, seed: int) -> None:
        self.world, self.chance = World(4), Random(seed)  # noqa: S311 - a history, no secret

    def happen(self) -> None:
        self.chance.choice((self.report, self.report, self.report, self.sum_up, self.crash, self.overlap, self.recompute, self.tick))()

    def report(self) -> None:
        said = [(self.chance.choice((DELIVERED, READ)), self.chance.randrange(-2, 70)) for _ in range(self.chance.randint(1, 3))]
        device = f"device-{self.chance.randrange(4)}"
        self.world.report(*said, message=f"notification-{self.chance.randrange(5)}", device=device)
        self.world.clock.advance(self.chance.choice((timedelta(0), SECOND, NOTED_LAG)))

    def sum_up(self) -> None:
        roll_up_receipts(self.world.deps, "request-1")

    def crash(self) -> None:
        def fail() -> None:
            raise _Crash

        (self.world.sums.before_adding if self.chance.random() < 0.5 else self.world.sums.before_noting).append(fail)
        try:
            self.sum_up()
        except _Crash:
            return
        finally:
            self.world.sums.before_adding, self.world.sums.before_noting = [], []

    def overlap(self) -> None:
        self.world.sums.before_adding.append(self.sum_up)
        self.sum_up()
        self.world.sums.before_adding = []

    def recompute(self) -> None:
        recompute_day(self.world.deps, TENANT_ID, DAY, "request-1")

    def tick(self) -> None:
        self.world.clock.advance(NOTED_LAG)
        nudge_receipts(self.world.deps, "request-1")


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 25))
def test_in_the_end_rows_and_messages_say_what_the_receipts_say(seed: int, steps: int) -> None:
    history = _History(seed)
    for _ in range(steps):
        history.happen()
    world = history.world
    world.sum_up()
    expected = world.told_by_receipts()
    for _ in range(2):
        assert world.rows() == expected
        assert [row for row in world.analytics.totals(TENANT_ID, DAY, DAY) if row.amounts] == day_rows(expected)
        for number in range(4):
            counted = world.receipts.count(TENANT_ID, f"notification-{number}")
            assert world.counts(f"notification-{number}") == counted
        history.recompute()


def test_rows_that_somebody_has_broken_are_what_the_receipts_say_after_recomputing(world: World) -> None:
    world.report((DELIVERED, 4), (READ, 9))
    world.sum_up()
    expected = world.rows()
    world.analytics.details[TENANT_ID, expected[0].key] = Amounts(total_delivered=7, delivery_ms=1)
    recompute_day(world.deps, TENANT_ID, DAY, "request-1")
    assert world.rows() == expected
    assert world.analytics.rows(TENANT_ID, date(2020, 1, 1), DAY, RowFilter(platform="android"), 9) == expected
