"""Tallying: what notifications have come to is added to the rows of their days, once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from fanfare.domain.analytics import EVERY_ROW, Amounts, Row, RowKey
from fanfare.domain.broadcast_progress import Part
from fanfare.domain.chunk import Chunk, ChunkKey, ChunkState
from fanfare.domain.layout import Layout, Source
from fanfare.domain.message import Platform
from fanfare.domain.notification import Counts, NotificationStatus
from fanfare.domain.outcome import Outcome, Result, count
from fanfare.domain.tallying import Tally
from fanfare.ports import Deps
from fanfare.services.rollup import roll_up
from fanfare.services.tally_notifications import MOST_TENANTS, PAGE, WORKING_TIME, Tallied, tally_notifications
from tests.factories import NOW, TENANT_ID, a_notification
from tests.fakes import FixedClock, MemoryAnalyticsStore, MemoryNotificationStore, RecordingTaskQueue, fake_deps
from tests.fakes.tasks import FanoutTask

DAY = NOW.date()
SENT = Result(Outcome.SENT, "message-1", 200, 1, Platform.ANDROID)
GONE = Result(Outcome.FAILED, "UNREGISTERED", 404, 1, Platform.IOS)


class _Overtaken(MemoryAnalyticsStore):
    """A store where another writer changes a notification between its reading and its tally, once for each name in `overtaken`."""

    overtaken: tuple[str, ...] = ()

    def tally(self, tallies: Sequence[Tally]) -> bool:
        for tally in tallies:
            if tally.notification.id in self.overtaken:
                stored = self._notifications.get(tally.notification.tenant, tally.notification.id)
                assert stored is not None
                self._notifications.put(stored)
        return super().tally(tallies)


class _Slow(MemoryAnalyticsStore):
    """A store of which each commit takes half of a task's working time."""

    clock: FixedClock

    def tally(self, tallies: Sequence[Tally]) -> bool:
        self.clock.advance(WORKING_TIME / 2)
        return super().tally(tallies)


def _deps(store: type[MemoryAnalyticsStore] = MemoryAnalyticsStore, **overrides: Any) -> Deps:
    notifications = MemoryNotificationStore()
    return fake_deps(notifications=notifications, analytics=store(notifications), **overrides)


def _sent(deps: Deps, name: str, sent: int = 1, tenant: str = TENANT_ID, **fields: Any) -> None:
    done = {"status": NotificationStatus.COMPLETED, "counts": Counts(sent, sent=sent), "platforms": {"android": {"sent": sent}}}
    deps.notifications.accept(a_notification(id=name, tenant=tenant, **done | fields), [])


def _total(deps: Deps) -> Amounts:
    rows = deps.analytics.totals(TENANT_ID, DAY, DAY)
    return rows[0].amounts if rows else Amounts()


def test_tick_asks_for_the_tally_of_every_tenant_whose_notifications_changed() -> None:
    deps = _deps()
    for tenant in ("acme", "globex"):
        _sent(deps, "notification-1", tenant=tenant)
    assert roll_up(deps, "request-1").tallies == 2
    assert isinstance(deps.tasks, RecordingTaskQueue)
    assert [task for task in deps.tasks.fanouts if task.work == "tally"] == [
        FanoutTask("tally", name, (), "request-1") for name in ("acme", "globex")
    ]
    tally_notifications(deps, "acme", "request-2")
    assert roll_up(deps, "request-3").tallies == 1, "what was tallied is asked for no more"


def test_tenant_whose_task_the_queue_refuses_is_found_by_the_next_tick() -> None:
    tasks = RecordingTaskQueue(refusing=True)
    deps = _deps(tasks=tasks)
    _sent(deps, "notification-1")
    assert roll_up(deps, "request-1").tallies == 0
    tasks.refusing = False
    assert roll_up(deps, "request-2").tallies == 1


def test_tick_asks_for_more_tenants_than_it_reads_at_once() -> None:
    deps = _deps()
    for number in range(MOST_TENANTS + 1):
        _sent(deps, "notification-1", tenant=f"tenant-{number:05}")
    assert roll_up(deps, "request-1").tallies == MOST_TENANTS + 1


def test_more_than_a_page_is_tallied_and_a_second_run_adds_nothing() -> None:
    deps = _deps()
    for number in range(2 * PAGE + 1):
        _sent(deps, f"notification-{number}", sent=2)
    assert tally_notifications(deps, TENANT_ID, "request-1") == Tallied(2 * PAGE + 1)
    assert _total(deps) == Amounts(4 * PAGE + 2)
    assert tally_notifications(deps, TENANT_ID, "request-1") == Tallied(0)
    assert _total(deps) == Amounts(4 * PAGE + 2)


def test_one_that_another_writer_changes_meanwhile_does_not_keep_the_others_from_being_stored() -> None:
    deps = _deps(_Overtaken)
    for number in range(9):
        _sent(deps, f"notification-{number}")
    assert isinstance(deps.analytics, _Overtaken)
    deps.analytics.overtaken = ("notification-3", "notification-7")
    assert tally_notifications(deps, TENANT_ID, "request-1") == Tallied(7)
    assert _total(deps) == Amounts(7)
    deps.analytics.overtaken = ()
    assert tally_notifications(deps, TENANT_ID, "request-2") == Tallied(2)
    assert _total(deps) == Amounts(9)


def test_long_tally_goes_on_in_another_task() -> None:
    clock, tasks = FixedClock(), RecordingTaskQueue()
    deps = _deps(_Slow, clock=clock, tasks=tasks)
    assert isinstance(deps.analytics, _Slow)
    deps.analytics.clock = clock
    for number in range(3 * PAGE):
        _sent(deps, f"notification-{number:04}")
    assert tally_notifications(deps, TENANT_ID, "request-1") == Tallied(2 * PAGE, is_put_off=True)
    assert tasks.fanouts == [FanoutTask("tally", TENANT_ID, (f"notification-{2 * PAGE - 1:04}",), "request-1")]
    assert tally_notifications(deps, TENANT_ID, "request-1", tasks.fanouts[0].subject[0]) == Tallied(PAGE)
    assert _total(deps) == Amounts(3 * PAGE)


def _broadcast(deps: Deps) -> None:
    layout = Layout(Source.RECIPIENTS, None, (2,))
    deps.notifications.accept(a_notification(status=NotificationStatus.SENDING, layout=layout, chunk_count=2, counts=Counts(4, unsent=4)), [])


def _end_chunk(deps: Deps, number: int, *results: Result) -> None:
    chunk = deps.chunks.claim(ChunkKey(TENANT_ID, "notification-1", number), f"owner-{number}", NOW)
    assert isinstance(chunk, Chunk)
    named = {str(position): result for position, result in enumerate(results)}
    ended = replace(chunk, state=ChunkState.DONE, results=named, counts=count(results, len(results)))
    assert deps.progress.conclude(ended, Part(0, number)) is not None


def test_broadcast_under_way_is_counted_by_the_sums_of_its_chunks() -> None:
    deps = _deps()
    _broadcast(deps)
    _end_chunk(deps, 0, SENT, GONE)
    assert tally_notifications(deps, TENANT_ID, "request-1") == Tallied(1)
    assert tally_notifications(deps, TENANT_ID, "request-2") == Tallied(0), "what stands still is not written again"
    _end_chunk(deps, 1, SENT, SENT)
    assert tally_notifications(deps, TENANT_ID, "request-3") == Tallied(1)
    key = RowKey(DAY, "client-1")
    assert set(deps.analytics.rows(TENANT_ID, DAY, DAY, EVERY_ROW, 9)) == {
        Row(key._replace(platform="android"), Amounts(3)),
        Row(key._replace(platform="ios"), Amounts(0, 1)),
    }


def test_broadcast_that_has_ended_is_tallied_a_last_time() -> None:
    deps = _deps()
    _broadcast(deps)
    _end_chunk(deps, 0, SENT)
    tally_notifications(deps, TENANT_ID, "request-1")
    deps.notifications.update(TENANT_ID, "notification-1", lambda stored: replace(stored, status=NotificationStatus.CANCELLED))
    assert tally_notifications(deps, TENANT_ID, "request-2") == Tallied(1)
    assert list(deps.analytics.find_tenants(9)) == []
    assert _total(deps) == Amounts(1)


def test_notification_of_yesterday_counts_on_its_day() -> None:
    deps = _deps()
    _sent(deps, "notification-1", created_at=NOW - timedelta(days=1), started_at=NOW)
    tally_notifications(deps, TENANT_ID, "request-1")
    assert [row.key.day for row in deps.analytics.totals(TENANT_ID, DAY - timedelta(days=2), DAY)] == [DAY - timedelta(days=1)]
