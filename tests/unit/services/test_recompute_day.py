"""Recomputing a day from what is kept of its notifications."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import pytest

from fanfare.domain.analytics import EVERY_ROW, Amounts, Row, RowKey
from fanfare.domain.broadcast_progress import Part
from fanfare.domain.chunk import Chunk, ChunkKey, ChunkState
from fanfare.domain.errors import InvalidRequest, Unavailable
from fanfare.domain.layout import Layout, Source
from fanfare.domain.message import Platform
from fanfare.domain.notification import Counts, NotificationStatus
from fanfare.domain.outcome import Outcome, Result, count, count_by_platform
from fanfare.domain.recomputing import Correction
from fanfare.domain.tallying import Tally
from fanfare.domain.tenant_settings import TenantSettings
from fanfare.ports import Deps
from fanfare.services.recompute_day import PAGE, recompute_day, request_recomputation
from fanfare.services.tally_notifications import WORKING_TIME, tally_notifications
from tests.factories import NOW, TENANT_ID, a_call, a_notification, a_tenant
from tests.fakes import FixedClock, MemoryAnalyticsStore, MemoryNotificationStore, RecordingTaskQueue, fake_deps
from tests.fakes.tasks import FanoutTask

DAY = NOW.date()
KEY = RowKey(DAY, "client-1")
SENT = Result(Outcome.SENT, "message-1", 200, 1, Platform.ANDROID)
GONE = Result(Outcome.FAILED, "UNREGISTERED", 404, 1, Platform.IOS)
MANY = Layout(Source.RECIPIENTS, None, (2,))


def _claim(deps: Deps, name: str, number: int = 0) -> Chunk:
    chunk = deps.chunks.claim(ChunkKey(TENANT_ID, name, number), f"owner-{name}-{number}", NOW)
    assert isinstance(chunk, Chunk)
    return chunk


def _with(chunk: Chunk, *results: Result, state: ChunkState = ChunkState.DONE) -> Chunk:
    named = {str(position): result for position, result in enumerate(results)}
    return replace(chunk, state=state, results=named, counts=count(results, len(results)))


def _send(deps: Deps, name: str, *results: Result) -> None:
    """A notification of one chunk that has been sent."""
    notification = a_notification(id=name)
    deps.notifications.accept(notification, [])
    platforms = count_by_platform(results)
    done = replace(notification, status=NotificationStatus.COMPLETED, counts=count(results, len(results)), platforms=platforms)
    assert deps.chunks.conclude(_with(_claim(deps, name), *results), done)


def _rows(deps: Deps) -> set[Row]:
    return {row for row in deps.analytics.rows(TENANT_ID, DAY, DAY, EVERY_ROW, 99) if row.amounts}


def _spoil(deps: Deps) -> None:
    deps.analytics.add(TENANT_ID, "wrong", [Row(KEY._replace(platform="android"), Amounts(7)), Row(KEY._replace(topic="x"), Amounts(0, 1))], NOW)


def _total(deps: Deps) -> Amounts:
    [total] = deps.analytics.totals(TENANT_ID, DAY, DAY)
    return total.amounts


def test_rows_that_somebody_has_changed_are_made_right() -> None:
    deps = fake_deps()
    for number in range(PAGE + 2):
        _send(deps, f"notification-{number}", SENT, SENT, GONE)
    tally_notifications(deps, TENANT_ID, "request-1")
    right = _rows(deps)
    _spoil(deps)
    assert recompute_day(deps, TENANT_ID, DAY, "request-1")
    assert (_rows(deps), _total(deps)) == (right, Amounts(2 * PAGE + 4, PAGE + 2))
    assert recompute_day(deps, TENANT_ID, DAY, "request-2")
    assert (_rows(deps), _total(deps)) == (right, Amounts(2 * PAGE + 4, PAGE + 2)), "recomputed again, nothing changes"


def test_what_was_never_tallied_is_counted_by_its_chunks() -> None:
    deps = fake_deps()
    _send(deps, "notification-1", SENT, GONE)
    recompute_day(deps, TENANT_ID, DAY, "request-1")
    assert _rows(deps) == {Row(KEY._replace(platform="android"), Amounts(1)), Row(KEY._replace(platform="ios"), Amounts(0, 1))}
    assert tally_notifications(deps, TENANT_ID, "request-2").notifications == 0, "what was recomputed is tallied"
    assert _total(deps) == Amounts(1, 1)


def test_notification_from_before_its_platforms_were_kept_gets_them_from_its_chunk() -> None:
    deps = fake_deps()
    _send(deps, "notification-1", SENT, GONE)
    stored = deps.notifications.get(TENANT_ID, "notification-1")
    assert stored is not None
    deps.notifications.update(TENANT_ID, stored.id, lambda found: replace(found, platforms={}))
    tally_notifications(deps, TENANT_ID, "request-1")
    assert _rows(deps) == {Row(KEY, Amounts(1, 1))}
    recompute_day(deps, TENANT_ID, DAY, "request-2")
    assert _rows(deps) == {Row(KEY._replace(platform="android"), Amounts(1)), Row(KEY._replace(platform="ios"), Amounts(0, 1))}
    assert _total(deps) == Amounts(1, 1)


def test_pass_under_way_counts_once_whatever_came_first() -> None:
    deps = fake_deps()
    deps.notifications.accept(a_notification(), [])
    saved = deps.chunks.save_chunk(_with(_claim(deps, "notification-1"), SENT, state=ChunkState.CLAIMED))
    assert saved is not None
    recompute_day(deps, TENANT_ID, DAY, "request-1")
    assert _total(deps) == Amounts(1)
    ended = replace(a_notification(), status=NotificationStatus.COMPLETED, counts=Counts(2, sent=2), platforms={"android": {"sent": 2}})
    assert deps.chunks.conclude(_with(saved, SENT, SENT), ended)
    tally_notifications(deps, TENANT_ID, "request-2")
    assert _total(deps) == Amounts(2)


def _broadcast(deps: Deps, status: NotificationStatus = NotificationStatus.SENDING, chunks: int = 2) -> None:
    counts = Counts(4, sent=3, failed=1) if status is NotificationStatus.COMPLETED else Counts(4, unsent=4)
    deps.notifications.accept(a_notification(status=status, layout=MANY, chunk_count=2, counts=counts), [])
    for number in range(chunks):
        results = [SENT, GONE] if number == 0 else [SENT, SENT]
        assert deps.progress.conclude(_with(_claim(deps, "notification-1", number), *results), Part(0, number)) is not None


@pytest.mark.parametrize(("status", "chunks", "amounts"), [
    (NotificationStatus.COMPLETED, 2, Amounts(3, 1)), (NotificationStatus.SENDING, 1, Amounts(1, 1)),
])  # fmt: skip
def test_broadcast_is_recomputed_from_what_its_chunks_counted(status: NotificationStatus, chunks: int, amounts: Amounts) -> None:
    deps = fake_deps()
    _broadcast(deps, status, chunks)
    recompute_day(deps, TENANT_ID, DAY, "request-1")
    assert _total(deps) == amounts
    tally_notifications(deps, TENANT_ID, "request-1")
    assert _total(deps) == amounts, "its sums say the same as its chunks"


def test_notification_whose_chunks_are_not_kept_any_more_keeps_what_it_has_contributed() -> None:
    deps = fake_deps()
    gone = {"status": NotificationStatus.COMPLETED, "counts": Counts(3, sent=3)}
    deps.notifications.accept(a_notification(id="one", platforms={"web": {"sent": 3}}, **gone), [])
    deps.notifications.accept(a_notification(id="many", layout=MANY, chunk_count=2, **gone), [])
    found = deps.analytics.read_tallied(TENANT_ID, ["one", "many"])
    contributed = {"web": Amounts(3)}
    rows = (Row(KEY._replace(platform="web"), Amounts(3)),)
    assert deps.analytics.tally([Tally(one.notification, contributed, rows, is_over=True) for one in found])
    recompute_day(deps, TENANT_ID, DAY, "request-1")
    assert _total(deps) == Amounts(6)


def test_notification_that_never_began_contributes_nothing() -> None:
    deps = fake_deps()
    deps.notifications.accept(a_notification(), [])
    recompute_day(deps, TENANT_ID, DAY, "request-1")
    assert list(deps.analytics.totals(TENANT_ID, DAY, DAY)) == []


def test_other_days_are_left_alone() -> None:
    deps = fake_deps()
    yesterday = KEY._replace(day=DAY - timedelta(days=1))
    deps.analytics.add(TENANT_ID, "wrong", [Row(yesterday, Amounts(7))], NOW)
    _send(deps, "notification-1", SENT)
    recompute_day(deps, TENANT_ID, DAY, "request-1")
    assert [row.amounts for row in deps.analytics.totals(TENANT_ID, yesterday.day, DAY)] == [Amounts(7), Amounts(1)]


def test_long_recomputation_goes_on_in_another_task() -> None:
    class Slow(MemoryAnalyticsStore):
        def tally(self, tallies: Sequence[Tally]) -> bool:
            clock.advance(WORKING_TIME)
            return super().tally(tallies)

    clock, tasks, notifications = FixedClock(), RecordingTaskQueue(), MemoryNotificationStore()
    deps = fake_deps(clock=clock, tasks=tasks, notifications=notifications, analytics=Slow(notifications))
    for number in range(PAGE + 1):
        _send(deps, f"notification-{number:03}", SENT)
    assert not recompute_day(deps, TENANT_ID, DAY, "request-1")
    [task] = tasks.fanouts
    assert task == FanoutTask("recomputation", TENANT_ID, (DAY.isoformat(), task.subject[1]), "request-1")
    assert recompute_day(deps, TENANT_ID, DAY, "request-1", task.subject[1])
    assert _total(deps) == Amounts(PAGE + 1)


def test_correction_that_others_are_always_faster_with_is_given_up() -> None:
    class Contested(MemoryAnalyticsStore):
        def correct(self, tenant: str, day: date, correction: Correction, revision: object) -> bool:
            return super().correct(tenant, day, correction, "another")

    notifications = MemoryNotificationStore()
    deps = fake_deps(notifications=notifications, analytics=Contested(notifications))
    _send(deps, "notification-1", SENT)
    _spoil(deps)
    with pytest.raises(Unavailable):
        recompute_day(deps, TENANT_ID, DAY, "request-1")
    assert _total(deps) == Amounts(8, 1)


def test_recomputation_is_asked_for_and_said_in_the_audit_log() -> None:
    tasks = RecordingTaskQueue()
    deps = fake_deps(tasks=tasks)
    deps.tenants.create(a_tenant())
    request_recomputation(deps, a_call(), DAY)
    assert tasks.fanouts == [FanoutTask("recomputation", TENANT_ID, (DAY.isoformat(),), "request-1")]


@pytest.mark.parametrize(("day", "is_kept"), [(1, False), (0, True), (-6, True), (-7, False)])
def test_day_must_be_kept_still(day: int, is_kept: bool) -> None:  # noqa: FBT001
    tasks = RecordingTaskQueue()
    deps = fake_deps(tasks=tasks)
    retention = {**TenantSettings().retention_days, "chunks": 7}
    deps.tenants.create(replace(a_tenant(), settings=TenantSettings(retention_days=retention)))
    if is_kept:
        request_recomputation(deps, a_call(), DAY + timedelta(days=day))
    else:
        with pytest.raises(InvalidRequest) as refused:
            request_recomputation(deps, a_call(), DAY + timedelta(days=day))
        assert [error.field for error in refused.value.errors] == ["day"]
    assert len(tasks.fanouts) == is_kept


def test_caller_hears_that_the_queue_does_not_answer() -> None:
    deps = fake_deps(tasks=RecordingTaskQueue(refusing=True))
    deps.tenants.create(a_tenant())
    with pytest.raises(Unavailable):
        request_recomputation(deps, a_call(), DAY)
