"""Whatever happens to a notification, and wherever its calls die: each outcome that becomes final is told, and told once."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from fanfare.domain.chunk import FINAL_STATES
from fanfare.domain.errors import Conflict, Unavailable
from fanfare.domain.notification import FINAL_STATUSES
from fanfare.services.steer_notification import cancel_notification, pause_notification, resume_notification, retry_notification
from tests.factories import a_call
from tests.fakes import MemoryAuditStore
from tests.unit.services.broadcasting import ID, a_bulk, stored_chunks
from tests.unit.services.delivering import ANDROID, BAD_KEY, BAD_TARGET, BUSY, GONE, KEY, MINUTE, SECOND, World, a_world, accepted, every
from tests.unit.services.listeners import CANCELLED, COMPLETED, WitnessingNotificationStore, announced, listen, told
from tests.unit.services.test_broadcast_histories import CHUNKS, DEVICES, _do, _finish, answers, faults, scripts
from tests.unit.services.test_crashes import Crash, Fault, fragile, is_over, live, live_through_everything

CODES = (None, None, BUSY, GONE, BAD_KEY, BAD_TARGET)
STEERS = {"pause": pause_notification, "resume": resume_notification, "cancel": cancel_notification, "retry": retry_notification}


def _witnessed(*platforms: Any, batch_size: int = 100) -> tuple[World, WitnessingNotificationStore]:
    """A world whose store counts what becomes final, and whose tenant is listened to."""
    audit = MemoryAuditStore()
    store = WitnessingNotificationStore(audit)
    world = a_world(*platforms, batch_size=batch_size, audit=audit, notifications=store)
    listen(world.deps)
    return world, store


def _check(world: World, store: WitnessingNotificationStore) -> None:
    """Everything was told once for each time that it became final, and nothing is kept for later."""
    assert announced(world.deps) == store.finalities
    assert store.unannounced() == {}
    ends = told(world.deps, COMPLETED, CANCELLED)
    assert ends, "the end is told"
    assert (ends[-1].data["status"], ends[-1].data["counts"]["sent"]) == (world.notification().status, world.notification().counts.sent)


def _answered(world: World, chosen: list[int]) -> None:
    codes = {number: CODES[choice] for number, choice in enumerate(chosen, 1)}
    world.answer({number: code for number, code in codes.items() if code is not None})


def _mixed_life(fault: Fault) -> None:
    """Six devices of different fates, one at a time, with a checkpoint after each."""
    world, store = _witnessed(*[ANDROID] * 6, batch_size=1)
    accepted(world, ttl_seconds=86_400)
    world.answer({2: GONE, 3: BUSY, 5: BAD_TARGET})
    world.sender.on_batch = every(1.1 * SECOND, world)
    live(world, fault, lambda: is_over(world) or bool(world.answer({})))
    _check(world, store)
    assert len(told(world.deps, COMPLETED)) == 1


def test_call_that_dies_at_any_step_loses_no_event_and_doubles_none() -> None:
    assert live_through_everything(_mixed_life) >= 60


steps = st.lists(st.sampled_from(["deliver", "tick", "tick", "pause", "resume", "cancel", "retry", "stop"]), max_size=12)


@settings(max_examples=60, deadline=None)
@given(steps, st.lists(st.integers(0, len(CODES) - 1), min_size=6, max_size=6), faults)
def test_each_final_outcome_of_one_chunk_is_told_once(script: list[str], chosen: list[int], fault: Fault) -> None:
    world, store = _witnessed(*[ANDROID] * 6, batch_size=2)
    accepted(world, ttl_seconds=86_400)
    _answered(world, chosen)
    used, before = fragile(world, fault), world.sender.on_batch
    world.sender.on_batch = lambda: fault.step(lambda: (world.clock.advance(1.1 * SECOND), before()), Crash)
    for step in script:
        world.lifecycle.stopping = step == "stop"
        try:
            _perform(used, step)
        except (Crash, Unavailable, Conflict):
            continue
    world.lifecycle.stopping = False
    world.answer({})
    fault.at = 0
    for _ in range(60):
        if world.notification().status in FINAL_STATUSES:
            break
        resume_notification(world.deps, a_call(), ID) if world.notification().paused else None
        world.tick(MINUTE)
    _check(world, store)


def _perform(world: World, step: str) -> None:
    if step in STEERS:
        STEERS[step](world.deps, a_call(), ID)
    elif step == "tick":
        world.tick(MINUTE)
    else:
        world.deliver(KEY)


@settings(max_examples=30, deadline=None)
@given(scripts, answers, faults)
def test_each_final_outcome_of_many_chunks_is_told_once(script: Any, answers: Any, fault: Fault) -> None:
    world, store = _witnessed(*[ANDROID] * DEVICES, batch_size=1)
    a_bulk(*[range(start, start + DEVICES // CHUNKS) for start in range(1, DEVICES, DEVICES // CHUNKS)], world=world)
    _answered(world, answers)
    world.sender.on_batch = every(1.1 * SECOND, world)
    used, played = fragile(world, fault), [0, 0]
    for step, number in [("fan_out", 0), *script]:
        try:
            _do(used, step, number, played)
        except (Crash, Unavailable):
            continue
    world.answer({})
    _finish(world, played)
    assert all(chunk.state in FINAL_STATES for chunk in stored_chunks(world))
    _check(world, store)
