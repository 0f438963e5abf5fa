from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from fanfare.domain.audience import Lease
from fanfare.domain.broadcast_progress import Sums
from fanfare.domain.chunk import Busy, ChunkState, Finished
from fanfare.domain.fanning import JUDGE_AFTER, LEASE, LOOK_AGAIN, PAGE, Advanced, Phase
from fanfare.domain.filters import AuditFilter
from fanfare.domain.layout import Layout, Source
from fanfare.domain.notification import FIRST_CHECK, Counts, Judgement, NotificationStatus, StatusReason
from fanfare.domain.pacing import HORIZON
from fanfare.domain.shard import select
from fanfare.services.fan_out import fan_out
from tests.factories import NOW, TENANT_ID, a_device
from tests.unit.services.fanning import ID, MINUTE, SECOND, a_broadcast, a_queued_broadcast
from tests.unit.services.seeding import add_devices

TWO_STAGES = {"ramp": [25, 100]}


def test_broadcast_is_laid_out_and_each_shard_gets_its_task() -> None:
    world = a_broadcast()
    assert world.call() == Finished()
    notification = world.notification()
    assert notification.layout == Layout(Source.AUDIENCE, 2, (8,))
    assert (notification.status, notification.chunk_count, notification.started_at) == (NotificationStatus.SENDING, 8, NOW)
    assert world.nudged() == list(range(8))
    assert {task.generation for task in world.tasks.chunks} == {2}
    assert world.tasks.chunks[0].slot == NOW
    assert [task.slot for task in world.tasks.chunks] == sorted({task.slot for task in world.tasks.chunks})
    assert notification.next_check_at == world.tasks.chunks[-1].slot + FIRST_CHECK
    assert world.deps.audience.get(TENANT_ID).pins == {ID: 2}


def test_device_that_registered_a_moment_ago_is_in() -> None:
    world = a_broadcast(devices=2, shards=1)
    add_devices(world.deps, a_device(id="latest"))
    world.call()
    shards = world.deps.audience.read_shards(TENANT_ID, 2, [0])
    assert "latest" in {row.device_id for row in select(shards[0], (), NOW)}


def test_empty_audience_is_completed_at_once_and_says_why() -> None:
    world = a_broadcast(devices=0)
    world.call()
    notification = world.notification()
    assert (notification.status, notification.status_reason) == (NotificationStatus.COMPLETED, StatusReason.NO_RECIPIENTS)
    assert (notification.counts, notification.chunk_count, notification.completed_at, notification.next_check_at) == (Counts(), 0, NOW, None)
    assert world.tasks.chunks == []
    assert world.deps.audience.get(TENANT_ID).pins == {}


@pytest.mark.parametrize(("devices", "shards"), [(3, 1), (200, 64)])
def test_segment_that_nobody_belongs_to_is_completed_at_once(devices: int, shards: int) -> None:
    world = a_broadcast(devices, shards, to={"segment": {"tags": ["none"]}})
    world.run()
    notification = world.notification()
    assert (notification.status, notification.status_reason) == (NotificationStatus.COMPLETED, StatusReason.NO_RECIPIENTS)
    assert world.tasks.chunks == []
    assert world.deps.audience.get(TENANT_ID).pins == {}


def test_segment_of_few_is_packed_into_chunks_of_its_own() -> None:
    world = a_broadcast(400, 128, to={"segment": {"tags": ["rare"]}}, tags=lambda number: ("rare",) if number % 10 == 0 else ())
    world.run()
    notification = world.notification()
    rows = world.deps.recipients.read_all(TENANT_ID, ID)
    assert notification.layout == Layout(Source.RECIPIENTS, None, (1,))
    assert (notification.counts, notification.chunk_count) == (Counts(40, unsent=40), 1)
    assert {row.device_id for chunk in rows for row in chunk} == {f"device-{number}" for number in range(0, 400, 10)}
    assert world.nudged() == [0]
    assert world.deps.audience.get(TENANT_ID).pins == {}


def test_segment_of_many_is_filtered_where_it_is_sent() -> None:
    world = a_broadcast(400, 128, to={"segment": {"tags": ["usual"]}}, tags=lambda number: ("usual",) if number % 2 == 0 else ())
    world.run()
    assert world.notification().layout == Layout(Source.AUDIENCE, 2, (128,))
    assert world.deps.recipients.read_all(TENANT_ID, ID) == []


def test_groups_that_were_settled_before_a_crash_are_written_as_they_were() -> None:
    world = a_broadcast(400, 128, to={"segment": {"tags": ["rare"]}}, tags=lambda number: ("rare",) if number % 10 == 0 else ())
    write, world.deps.recipients.write = world.deps.recipients.write, _crash  # type: ignore[method-assign]
    with pytest.raises(RuntimeError):
        world.run()
    settled = world.fanout()
    assert settled is not None
    assert settled.packing is not None
    assert (settled.packing.ends, settled.packing.written) == ((128,), 0)
    world.deps.recipients.write = write  # type: ignore[method-assign]
    world.run()
    assert world.notification().counts.targeted == 40


def _crash(*_: object) -> None:
    raise RuntimeError("the process is gone")


def test_packing_stops_between_pages_when_its_instance_ends() -> None:
    world = a_broadcast(400, 128, to={"segment": {"tags": ["rare"]}}, tags=lambda number: ("rare",) if number % 10 == 0 else ())
    pin = world.deps.audience.pin

    def stopped_meanwhile(*args: Any) -> Any:
        world.lifecycle.stopping = True
        return pin(*args)

    world.deps.audience.pin = stopped_meanwhile  # type: ignore[method-assign]
    world.call()
    assert world.fanout().phase is Phase.PACKING  # type: ignore[union-attr]
    world.lifecycle.stopping = False
    world.run()
    assert world.nudged() == [0]


def test_thousand_chunks_are_nudged_by_each_task() -> None:
    world = a_broadcast(devices=1)
    layout = Layout(Source.RECIPIENTS, stages=(2_500,))
    world.deps.notifications.accept(a_queued_broadcast(id="bulk", layout=layout, chunk_count=2_500, counts=Counts(5_000, unsent=5_000)), ())
    counts = []
    for _ in range(3):
        fan_out(world.deps, TENANT_ID, "bulk", "request-1")
        counts.append(len(world.tasks.chunks))
    assert counts == [PAGE, 2 * PAGE, 2_500]
    assert len(world.tasks.fanouts) == 2
    assert world.nudged() == list(range(2_500))
    slots = [task.slot for task in world.tasks.chunks]
    assert slots == sorted(slots)


def test_recipients_of_its_own_are_sent_in_the_stages_of_the_ramp() -> None:
    world = a_broadcast(devices=1)
    bulk = a_queued_broadcast(
        id="bulk", layout=Layout(Source.RECIPIENTS, stages=(20,)), chunk_count=20, counts=Counts(40, unsent=40), request={"title": "Hi", **TWO_STAGES}
    )
    world.deps.notifications.accept(bulk, ())
    fan_out(world.deps, TENANT_ID, "bulk", "request-1")
    stored = world.deps.notifications.get(TENANT_ID, "bulk")
    assert stored is not None
    assert (stored.layout, stored.status) == (Layout(Source.RECIPIENTS, stages=(5, 20)), NotificationStatus.SENDING)
    assert world.nudged() == list(range(5))


def test_two_tasks_for_one_broadcast_never_work_at_once() -> None:
    world = a_broadcast()
    again: list[object] = []
    reserve = world.deps.pacing.reserve
    world.deps.pacing.reserve = lambda *args: (again.append(world.call()), reserve(*args))[1]  # type: ignore[method-assign]
    world.call()
    assert [isinstance(answer, Busy) for answer in again] == [True]
    assert world.nudged() == list(range(8))


def test_dead_call_is_taken_over_once_its_lease_has_ended() -> None:
    world = a_broadcast()
    world.call()
    world.steer(status=NotificationStatus.SENDING)
    taken = world.fanout()
    assert taken is not None
    world.deps.broadcasts.advance(TENANT_ID, ID, lambda _, __: Advanced(replace(taken, owner="dead", lease_until=NOW + LEASE)))
    assert world.call() == Busy(51)
    world.clock.advance(LEASE + timedelta(seconds=5))
    assert world.call() == Finished()
    assert world.fanout().owner != "dead"  # type: ignore[union-attr]


def test_call_that_lost_its_lease_changes_nothing_more() -> None:
    world = a_broadcast()
    reserve = world.deps.pacing.reserve

    def overtaken(*args: Any) -> Any:
        mine = world.fanout()
        assert mine is not None
        world.deps.broadcasts.advance(TENANT_ID, ID, lambda _, __: Advanced(replace(mine, owner="another")))
        return reserve(*args)

    world.deps.pacing.reserve = overtaken  # type: ignore[method-assign]
    assert world.call() == Finished()
    stored = world.fanout()
    assert stored is not None
    assert (stored.owner, stored.position) == ("another", 0)


def test_paused_broadcast_is_not_fanned_out_and_goes_on_when_it_is_resumed() -> None:
    world = a_broadcast(**TWO_STAGES)
    world.call()
    world.steer(status=NotificationStatus.PAUSED, paused=True)
    world.begin(1, state=ChunkState.HELD)
    before = world.nudged()
    assert world.call() == Finished()
    assert world.nudged() == before == [0, 1]
    world.clock.advance(MINUTE)
    world.steer(status=NotificationStatus.SENDING, paused=False)
    world.call()
    assert world.nudged() == [0, 1, 1]
    assert world.tasks.chunks[-1].slot >= world.clock.now()


def test_broadcast_paused_in_the_middle_of_a_call_stays_paused() -> None:
    world = a_broadcast()
    enqueue = world.tasks.enqueue_chunks

    def paused_meanwhile(*args: Any) -> int:
        world.steer(status=NotificationStatus.PAUSED, paused=True, next_check_at=NOW + timedelta(days=1))
        return enqueue(*args)

    world.tasks.enqueue_chunks = paused_meanwhile  # type: ignore[method-assign]
    world.call()
    notification = world.notification()
    assert (notification.status, notification.paused, notification.next_check_at) == (NotificationStatus.PAUSED, True, NOW + timedelta(days=1))


def test_cancelled_broadcast_has_every_open_chunk_nudged_at_once() -> None:
    world = a_broadcast(spread_over_seconds=3_600)
    world.call()
    world.begin(0, 1, state=ChunkState.DONE)
    world.begin(2, state=ChunkState.RETRYING)
    world.tasks.chunks.clear()
    world.steer(status=NotificationStatus.SENDING, status_reason=StatusReason.CANCELLING)
    world.call()
    assert world.nudged() == [2, 3, 4, 5, 6, 7]
    assert {task.slot for task in world.tasks.chunks} == {world.clock.now()}


def test_broadcast_cancelled_while_it_is_laid_out_stays_so() -> None:
    world = a_broadcast()
    pin = world.deps.audience.pin

    def cancelled_meanwhile(*args: Any) -> Any:
        world.steer(status=NotificationStatus.CANCELLED, completed_at=NOW, next_check_at=None)
        return pin(*args)

    world.deps.audience.pin = cancelled_meanwhile  # type: ignore[method-assign]
    world.call()
    notification = world.notification()
    assert (notification.status, notification.chunk_count) == (NotificationStatus.CANCELLED, 0)
    assert world.nudged() == []


def test_chunks_that_the_queue_refused_are_nudged_a_minute_after_their_slots() -> None:
    world = a_broadcast()
    enqueue = world.tasks.enqueue_chunks
    world.tasks.enqueue_chunks = lambda tasks, request_id: enqueue(tasks[:5], request_id)  # type: ignore[method-assign]
    world.call()
    world.tasks.enqueue_chunks = enqueue  # type: ignore[method-assign]
    world.begin(*range(5))
    check = world.notification().next_check_at
    assert check is not None
    world.clock.advance(check - NOW)
    world.call()
    assert world.nudged() == list(range(8))
    assert world.notification().next_check_at == world.tasks.chunks[-1].slot + FIRST_CHECK


def test_page_that_the_queue_refused_altogether_is_nudged_again() -> None:
    world = a_broadcast()
    world.tasks.refusing = True
    world.call()
    assert (world.nudged(), world.fanout().position) == ([], 0)  # type: ignore[union-attr]
    assert world.notification().next_check_at == NOW + 10 * SECOND + FIRST_CHECK
    world.tasks.refusing = False
    world.clock.advance(10 * SECOND + FIRST_CHECK)
    world.call()
    assert world.nudged() == list(range(8))


def test_broadcast_whose_chunks_have_all_begun_is_looked_at_later() -> None:
    world = a_broadcast()
    world.call()
    world.begin(*range(8))
    world.clock.advance(10 * MINUTE)
    world.call()
    assert world.nudged() == list(range(8))
    assert world.notification().next_check_at == world.clock.now() + LOOK_AGAIN


def test_slow_broadcast_gets_its_later_slots_later() -> None:
    world = a_broadcast()
    layout = Layout(Source.RECIPIENTS, stages=(500,))
    request = {"title": "Hi", "per_minute": 1}
    bulk = a_queued_broadcast(id="bulk", layout=layout, chunk_count=500, counts=Counts(5_000, unsent=5_000), request=request)
    world.deps.notifications.accept(bulk, ())
    fan_out(world.deps, TENANT_ID, "bulk", "request-1")
    some = len(world.tasks.chunks)
    assert 0 < some < 500
    assert world.tasks.chunks[-1].slot <= NOW + HORIZON
    assert world.tasks.fanouts[-1].due_at == NOW + HORIZON / 2
    fan_out(world.deps, TENANT_ID, "bulk", "request-1")
    assert len(world.tasks.chunks) == some
    world.clock.advance(HORIZON / 2)
    fan_out(world.deps, TENANT_ID, "bulk", "request-1")
    assert len(world.tasks.chunks) > some


def test_next_stage_waits_until_the_first_is_over_and_found_good() -> None:
    world = a_broadcast(**TWO_STAGES)
    world.call()
    assert world.notification().layout == Layout(Source.AUDIENCE, 2, (2, 8))
    assert world.nudged() == [0, 1]
    judge_at = world.tasks.chunks[-1].slot + JUDGE_AFTER
    assert world.tasks.fanouts[-1].due_at == judge_at
    world.call()
    assert world.nudged() == [0, 1]
    world.progress.stages = [Sums(2, Counts(100, sent=96, failed=4), {"INTERNAL": 4})]
    world.call()
    assert world.nudged() == list(range(8))
    assert world.notification().judgement == Judgement(0, 100, 0.04, 0.0)


@pytest.mark.parametrize(
    ("errors", "reason", "shares"),
    [
        ({"INTERNAL": 6}, StatusReason.GUARD_ERROR_SHARE, (0.06, 0.0)),
        ({"UNREGISTERED": 40}, StatusReason.GUARD_DEAD_SHARE, (0.0, 0.4)),
    ],
)
def test_tripped_guard_pauses_and_says_what_it_found(errors: dict[str, int], reason: StatusReason, shares: tuple[float, float]) -> None:
    world = a_broadcast(**TWO_STAGES)
    world.call()
    failed = sum(errors.values())
    world.progress.stages = [Sums(2, Counts(100, sent=100 - failed, failed=failed), errors)]
    world.call()
    notification = world.notification()
    assert (notification.status, notification.status_reason, notification.paused) == (NotificationStatus.PAUSED, reason, True)
    assert notification.judgement == Judgement(0, 100, *shares, reason)
    assert world.nudged() == [0, 1]
    [entry] = world.deps.audit.list(TENANT_ID, AuditFilter(action="notification.paused"), 10, None).items
    assert (entry.entry.actor.id, entry.entry.facts["error_share"]) == ("fanout", str(shares[0]))


def test_resumed_after_a_trip_it_goes_on_with_the_next_stage() -> None:
    world = a_broadcast(**TWO_STAGES)
    world.call()
    world.progress.stages = [Sums(2, Counts(100, sent=50, failed=50), {"INTERNAL": 50})]
    world.call()
    world.steer(status=NotificationStatus.SENDING, status_reason=None, paused=False)
    world.call()
    assert world.nudged() == list(range(8))
    assert world.notification().status is NotificationStatus.SENDING


def test_stage_that_is_not_over_is_judged_ten_minutes_after_its_last_slot() -> None:
    world = a_broadcast(**TWO_STAGES)
    world.call()
    world.begin(0, 1)
    world.progress.stages = [Sums(1, Counts(100, sent=30, retrying=60, unsent=10))]
    world.clock.advance(JUDGE_AFTER + MINUTE)
    # The sweep's look for chunks that nobody has begun comes first.
    world.run()
    assert world.notification().status_reason == StatusReason.GUARD_ERROR_SHARE
    assert world.notification().judgement == Judgement(0, 90, 0.6667, 0.0, StatusReason.GUARD_ERROR_SHARE)


def test_stage_of_which_nothing_is_known_is_waited_for() -> None:
    world = a_broadcast(**TWO_STAGES)
    world.call()
    world.begin(0, 1)
    world.clock.advance(JUDGE_AFTER + MINUTE)
    world.run()
    assert world.nudged() == [0, 1]
    assert world.tasks.fanouts[-1].due_at == world.clock.now() + JUDGE_AFTER
    world.progress.stages = [Sums(2, Counts(3, sent=2, failed=1), {"INTERNAL": 1})]
    world.call()
    assert world.nudged() == list(range(8))


def test_compaction_that_goes_on_elsewhere_is_waited_for() -> None:
    world = a_broadcast()
    lease = Lease("another", NOW + 10 * MINUTE)
    world.deps.audience.update(TENANT_ID, lambda audience: replace(audience, lease=lease))
    world.call()
    assert world.fanout() is None
    assert [(task.work, task.due_at) for task in world.tasks.fanouts] == [("notification", NOW + 5 * SECOND)]


def test_finished_and_unknown_broadcasts_are_left_alone() -> None:
    world = a_broadcast()
    assert fan_out(world.deps, TENANT_ID, "unknown", "request-1") == Finished()
    world.deps.notifications.accept(a_queued_broadcast(id="over", status=NotificationStatus.COMPLETED), ())
    assert fan_out(world.deps, TENANT_ID, "over", "request-1") == Finished()
    assert (world.tasks.chunks, world.tasks.fanouts) == ([], [])
