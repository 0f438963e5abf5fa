"""Google Cloud on a fixed clock: a queue that plays its tasks when they are due, and calls of which some die and some come twice.

Any call may be told to die at one of its steps (a step is a call of a store or of the queue), before that took effect or after, or to have the same
work done by another call between two of its steps. A task that died is brought again; a tick is not, the next one comes by itself. A call of `send`
never dies: what it had posted within the last second would be posted again, which `make chaos` measures.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from typing import Any

from fanfare.domain.chunk import Busy, ChunkTask
from fanfare.domain.errors import Unavailable
from fanfare.ports import Deps, Stores
from fanfare.services.clean_up import clean_up
from fanfare.services.compact_audience import compact_audience
from fanfare.services.deliver_chunk import deliver_chunk, deliver_task
from fanfare.services.fan_out import fan_out
from fanfare.services.ping_devices import ping_tenant
from fanfare.services.sync_topics import sync_topics
from fanfare.services.tally_notifications import tally_notifications
from tests.fakes import FixedClock, RecordingTaskQueue
from tests.fakes.tasks import FanoutTask, SendTask

Call = Callable[[Deps], object]
RETRY_AFTER = timedelta(seconds=10)
MOST_TRIES = 100
WORKS: Mapping[str, Callable[[Deps, FanoutTask], object]] = {
    "notification": lambda deps, task: fan_out(deps, task.tenant, task.subject[0], task.request_id),
    "audience": lambda deps, task: compact_audience(deps, task.tenant, task.request_id),
    "topics": lambda deps, task: sync_topics(deps, task.tenant, task.subject, task.request_id),
    "tally": lambda deps, task: tally_notifications(deps, task.tenant, task.request_id, *task.subject),
    "keepalive": lambda deps, task: ping_tenant(deps, task.tenant, task.request_id),
    "cleanup": lambda deps, task: clean_up(deps, task.tenant, task.request_id),
}
STEPS = (*(store.name for store in fields(Stores)), "tasks")


class Died(BaseException):
    """The process of a call is gone: nothing of it runs any more, no handler either."""


@dataclass
class Fate:
    """What happens at the `at`-th step of a call (0: nothing, the steps are only counted)."""

    at: int = 0
    before: Callable[[], object] = lambda: None
    after: Callable[[], object] = lambda: None
    steps: int = 0
    is_dead: bool = False

    def step(self, do: Callable[[], Any]) -> Any:
        if self.is_dead:
            raise Died
        self.steps += 1
        is_hit = self.steps == self.at
        if is_hit:
            self._meet(self.before)
        answer = do()
        if is_hit:
            self._meet(self.after)
        return answer

    def _meet(self, fate: Callable[[], object]) -> None:
        try:
            fate()
        except Died:
            self.is_dead = True
            raise


class Fated:
    """A store whose every call is a step."""

    def __init__(self, whole: object, fate: Fate) -> None:
        self._whole, self._fate = whole, fate

    def __getattr__(self, name: str) -> Callable[..., Any]:
        call = getattr(self._whole, name)
        return lambda *values, **named: self._fate.step(lambda: call(*values, **named))


@dataclass
class Cloud:
    """`crashed` and `doubled` are the shares of calls that die, and that another one of the same work comes between or after."""

    deps: Deps
    clock: FixedClock
    tasks: RecordingTaskQueue
    chance: random.Random
    crashed: float = 0.0
    doubled: float = 0.0
    figures: Counter[str] = field(default_factory=Counter)
    _events: list[tuple[datetime, int, str, Call, int]] = field(default_factory=list)
    _numbers: itertools.count[int] = field(default_factory=itertools.count)
    _steps: dict[str, int] = field(default_factory=dict)

    def tick(self, name: str, call: Call) -> bool:
        """A call of Cloud Scheduler, which is not repeated; False if it died."""
        self.figures[f"{name} ticks"] += 1
        return not isinstance(self._live(name, call), BaseException)

    def die_once(self, at: int, after: Callable[[], object]) -> None:
        """Let the next task die after its step of that number, and something happen then."""
        self._gather()
        _, _, name, call, _ = heapq.heappop(self._events)

        def then() -> None:
            after()
            raise Died

        fate = Fate(at, after=then)
        assert isinstance(self._try(call, self._fated(fate)), Died), "it has so many steps"
        self._add(self.clock.at + RETRY_AFTER, name, call)

    def next_at(self) -> datetime | None:
        """When the next task is due."""
        self._gather()
        return self._events[0][0] if self._events else None

    def run_until(self, end: datetime) -> None:
        """Play every task that is due by then."""
        while (at := self.next_at()) is not None and at <= end:
            _, _, name, call, tries = heapq.heappop(self._events)
            self.clock.at = max(self.clock.at, at)
            self.figures["tasks"] += 1
            outcome = self._live(name, call)
            if not isinstance(outcome, Busy | BaseException):
                continue
            assert tries < MOST_TRIES, f"the task of {name} comes back for ever"
            wait = timedelta(seconds=outcome.retry_after_seconds) if isinstance(outcome, Busy) else RETRY_AFTER
            self._add(self.clock.at + wait, name, call, tries + 1)
        self.clock.at = max(self.clock.at, end)

    def later(self, at: datetime, name: str, call: Call) -> None:
        """A call of somebody outside, who makes it again if it fails."""
        self._add(at, name, call)

    def _live(self, name: str, call: Call) -> object:
        """Make a call as its fate has it; returns its answer, or what it died of."""
        draw = self.chance.random()
        if name not in self._steps:
            fate = Fate()
        elif draw < self.crashed and name != "send":
            late = self.chance.random() < 1 / 2
            fate = Fate(self._some_step(name), **{"after" if late else "before": _die})
        elif draw < self.crashed + self.doubled:
            fate = Fate(self._some_step(name), before=lambda: self._again(call))
        else:
            return self._try(call, self.deps)
        answer = self._try(call, self._fated(fate))
        self._steps[name] = max(self._steps.get(name, 1), fate.steps)
        if 0 < fate.at <= fate.steps:
            self.figures["crashed" if fate.is_dead else "doubled"] += 1
        return answer

    def _some_step(self, name: str) -> int:
        """One of the first rather than of the last, which few calls have."""
        return self.chance.randint(1, self.chance.randint(1, self._steps[name]))

    def _again(self, call: Call) -> None:
        self._try(call, self.deps)

    def _try(self, call: Call, deps: Deps) -> object:
        try:
            return call(deps)
        except (Died, Unavailable) as failure:
            return failure

    def _fated(self, fate: Fate) -> Deps:
        stores: dict[str, Any] = {name: Fated(getattr(self.deps, name), fate) for name in STEPS}
        return replace(self.deps, **stores)

    def _gather(self) -> None:
        """Take over what the queue was given."""
        for send in self.tasks.sends:
            self._add(send.due_at, "send", _sending(send))
        for chunk in self.tasks.chunks:
            self._add(chunk.slot, "send", _sending_in_slot(chunk))
        for fanned in self.tasks.fanouts:
            self._add(fanned.due_at, fanned.work, _working(fanned))
        for taken in (self.tasks.sends, self.tasks.chunks, self.tasks.fanouts):
            taken.clear()

    def _add(self, at: datetime | None, name: str, call: Call, tries: int = 0) -> None:
        heapq.heappush(self._events, (max(at or self.clock.at, self.clock.at), next(self._numbers), name, call, tries))


def _die() -> None:
    raise Died


def _sending(task: SendTask) -> Call:
    return lambda deps: deliver_chunk(deps, task.key, task.request_id)


def _sending_in_slot(task: ChunkTask) -> Call:
    return lambda deps: deliver_task(deps, task, "request")


def _working(task: FanoutTask) -> Call:
    return lambda deps: WORKS[task.work](deps, task)
