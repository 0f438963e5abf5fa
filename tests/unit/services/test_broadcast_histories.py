"""Whatever happens to a notification of many chunks, in whatever order: its sums are those of its chunks, and it ends once, with right counts."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from fanfare.domain.broadcast_progress import NOTHING, add_sums
from fanfare.domain.chunk import FINAL_STATES, ChunkState
from fanfare.domain.classification import Answer
from fanfare.domain.errors import Conflict, Unavailable
from fanfare.domain.layout import Layout, Source
from fanfare.domain.notification import FINAL_STATUSES, Notification, NotificationStatus
from fanfare.domain.outcome import FINAL_OUTCOMES
from fanfare.services.deliver_chunk import deliver_chunk, deliver_task
from fanfare.services.fan_out import fan_out
from fanfare.services.steer_notification import cancel_notification, pause_notification, resume_notification, retry_notification
from fanfare.services.sweep import sweep
from tests.factories import TENANT_ID, a_call
from tests.fakes import MemoryNotificationStore
from tests.unit.services.broadcasting import ID, a_broadcast, a_bulk, check_sums, pack, progress, stored_chunks
from tests.unit.services.delivering import ANDROID, BAD_KEY, BUSY, GONE, MINUTE, World, a_world
from tests.unit.services.test_crashes import Crash, Fault, fragile

DEVICES, CHUNKS = 12, 4
ANSWERS = (None, None, BUSY, GONE, BAD_KEY)
STEPS = ("send", "send", "send", "again", "fan_out", "sweep", "wait", "pause", "resume", "cancel", "retry")


class RecordingNotificationStore(MemoryNotificationStore):
    """Keeps every status that was ever stored."""

    def __init__(self) -> None:
        super().__init__()
        self.statuses: list[NotificationStatus] = []
        self._notifications = _Recording(self)  # type: ignore[assignment]


class _Recording(dict[tuple[str, str], Notification]):
    def __init__(self, store: RecordingNotificationStore) -> None:
        super().__init__()
        self._store, self._inner = store, type(MemoryNotificationStore()._notifications)(itertools.count(1))

    def __setitem__(self, place: tuple[str, str], notification: Notification) -> None:
        self._inner[place] = notification
        super().__setitem__(place, self._inner[place])
        self._store.statuses.append(notification.status)


def _do(world: World, step: str, number: int, played: list[int]) -> None:
    """One thing that may happen; `played` is how many tasks of each queue were played so far."""
    tasks = world.tasks
    if step == "send" and played[0] < len(tasks.chunks):
        task, played[0] = tasks.chunks[played[0]], played[0] + 1
        world.clock.at = max(world.clock.at, task.slot)
        deliver_task(world.deps, task, "request-1")
    elif step == "again" and tasks.chunks:
        deliver_task(world.deps, tasks.chunks[number % len(tasks.chunks)], "request-1")
    elif step == "fan_out":
        fan_out(world.deps, TENANT_ID, ID, "request-1")
    elif step == "sweep":
        world.clock.advance(MINUTE)
        sweep(world.deps, "tick")
        for sent in tasks.sends:
            deliver_chunk(world.deps, sent.key, "tick")
        tasks.sends.clear()
    elif step == "wait":
        world.clock.advance(timedelta(seconds=number * 7))
    elif step in ("pause", "resume", "cancel", "retry"):
        _steer(world, step)


def _steer(world: World, step: str) -> None:
    steers = {"pause": pause_notification, "resume": resume_notification, "cancel": cancel_notification, "retry": retry_notification}
    try:
        steers[step](world.deps, a_call(), ID)
    except Conflict:
        return


def _check(world: World) -> None:
    """The sums are what the chunks say that they have added, at every moment."""
    assert progress(world).total == add_sums(chunk.counted or NOTHING for chunk in stored_chunks(world))


def _finish(world: World, played: list[int]) -> None:
    """Let the queues and the ticks do what is left, as they do in the end; a pause that nobody ends is ended."""
    for _ in range(60):
        if world.notification().status in FINAL_STATUSES and all(chunk.state in FINAL_STATES for chunk in stored_chunks(world)):
            return
        if world.notification().paused:
            _steer(world, "resume")
        for _ in range(len(world.tasks.chunks) - played[0]):
            _do(world, "send", 0, played)
        _do(world, "fan_out", 0, played)
        _do(world, "sweep", 0, played)
    raise AssertionError(f"It never ends: {world.notification()}")


def _ends(statuses: list[NotificationStatus]) -> Iterator[tuple[NotificationStatus, NotificationStatus]]:
    """Each end with what was stored before it."""
    return ((before, after) for before, after in itertools.pairwise(statuses) if after in FINAL_STATUSES)


def _live(world: World, script: list[tuple[str, int]], answers: list[int], fault: Fault) -> None:
    store: Any = world.deps.notifications
    numbered: dict[int, Answer] = {}
    for number, choice in enumerate(answers, 1):
        chosen = ANSWERS[choice]
        if chosen is not None:
            numbered[number] = chosen
    world.answer(numbered)
    used, played = fragile(world, fault), [0, 0]
    for step, number in [("fan_out", 0), *script]:
        try:
            _do(used, step, number, played)
        except (Crash, Unavailable):
            continue
        finally:
            _check(world)
    world.answer({})
    _finish(world, played)
    check_sums(world)
    ended = world.notification()
    assert (ended.counts, dict(ended.errors)) == (progress(world).total.counts, dict(progress(world).total.errors))
    if ended.layout is None or not ended.layout.stages:
        assert (ended.status, ended.counts.targeted) == (NotificationStatus.CANCELLED, 0), "cancelled before anybody knew whom it reaches"
        return
    assert progress(world).total.done == ended.chunk_count == CHUNKS
    assert (ended.status is NotificationStatus.CANCELLED) == (ended.counts.unsent > 0)
    assert ended.counts.retrying == 0
    assert ended.counts.targeted == DEVICES
    assert all(before not in FINAL_STATUSES for before, _ in _ends(store.statuses)), "it ends once, and again only after a replay"
    states = {chunk.state for chunk in stored_chunks(world)}
    assert states <= {ChunkState.DONE, ChunkState.CANCELLED}
    results = [result for chunk in stored_chunks(world) for result in chunk.results.values()]
    assert ended.status is NotificationStatus.CANCELLED or all(result.outcome in FINAL_OUTCOMES for result in results)


scripts = st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 9)), max_size=14)
answers = st.lists(st.integers(0, len(ANSWERS) - 1), min_size=DEVICES, max_size=DEVICES)
faults = st.builds(Fault, st.integers(0, 40), st.booleans(), st.sampled_from([Crash, lambda: Unavailable("Firestore does not answer.")]))


@settings(max_examples=25, deadline=None)
@given(scripts, answers, faults, st.booleans())
def test_bulk_notification_ends_once_with_the_counts_of_its_chunks(script: Any, answers: Any, fault: Fault, staged: bool) -> None:  # noqa: FBT001
    world = a_world(*[ANDROID] * DEVICES, notifications=RecordingNotificationStore())
    rows = [range(start, start + DEVICES // CHUNKS) for start in range(1, DEVICES, DEVICES // CHUNKS)]
    _live(a_bulk(*rows, stages=(1, CHUNKS) if staged else (), world=world), script, answers, fault)


@settings(max_examples=25, deadline=None)
@given(scripts, answers, faults)
def test_broadcast_ends_once_with_the_counts_of_its_chunks(script: Any, answers: Any, fault: Fault) -> None:
    world = a_world(*[ANDROID] * DEVICES, notifications=RecordingNotificationStore())
    pack(world, CHUNKS)
    unlaid = {"layout": Layout(Source.AUDIENCE), "chunk_count": 0, "status": NotificationStatus.QUEUED, "started_at": None}
    _live(a_broadcast(shards=CHUNKS, world=world, **unlaid), script, answers, fault)
