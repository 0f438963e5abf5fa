"""A running queue: decides when which task goes out, and what follows from the answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from local.cloud.activity import Activity, BackgroundTasks
from local.cloud.answers import Answer
from local.cloud.errors import already_exists, not_found
from local.cloud.outbound import HttpTarget
from local.cloud.tasks.dispatch_headers import build_dispatch_headers
from local.cloud.tasks.due import DueTasks
from local.cloud.tasks.faults import Faults
from local.cloud.tasks.rate_bucket import RateBucket
from local.cloud.tasks.settings import QueueSettings
from local.cloud.tasks.stats import QueueStats
from local.cloud.tasks.task import Attempt, Task
from local.cloud.tasks.tombstones import Tombstones
from local.cloud.wire import Document, format_timestamp

# A task further ahead than this does not keep the queue from being idle.
_IDLE_AHEAD_SECONDS = 1.0
_SHORTEST_TIMER_SECONDS = 0.001


class Sender(Protocol):
    """Makes the HTTP request of an attempt."""

    async def send(self, target: HttpTarget, headers: Mapping[str, str], deadline_seconds: float) -> Answer: ...


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all queues share."""

    sender: Sender
    faults: Faults
    activity: Activity
    background: BackgroundTasks


class TaskQueue:
    """Tasks of one queue. Every change calls ``pump``, which starts what may start and sets one timer for what comes next."""

    def __init__(self, name: str, settings: QueueSettings, around: Surroundings) -> None:
        self.name = name
        self.settings = settings
        self.is_paused = False
        self.purge_time: float | None = None
        self.tasks: dict[str, Task] = {}
        self.stats = QueueStats()
        self._around = around
        self._due = DueTasks()
        self._tombstones = Tombstones()
        self._bucket = RateBucket(settings.limits.per_second, settings.limits.burst, time.time())
        self._running = 0
        self._timer: asyncio.TimerHandle | None = None

    def to_document(self) -> Document:
        """Return it as Google's ``Queue``."""
        document = {"name": self.name, **self.settings.to_document(), "state": "PAUSED" if self.is_paused else "RUNNING"}
        return document if self.purge_time is None else {**document, "purgeTime": format_timestamp(self.purge_time)}

    def configure(self, settings: QueueSettings) -> None:
        """Take new settings at once; the bucket starts afresh."""
        self.settings = settings
        self._bucket = RateBucket(settings.limits.per_second, settings.limits.burst, time.time())
        self.pump()

    def set_paused(self, *, paused: bool) -> None:
        """Hold or go on; running attempts are let finish."""
        self.is_paused = paused
        self.pump()

    def add(self, task: Task) -> None:
        """Take a new task; 409 while its name is in use or was within the last hour."""
        if task.name in self.tasks or self._tombstones.holds(task.name, task.create_time):
            raise already_exists()
        self.tasks[task.name] = task
        self.stats.created += 1
        self._due.push(task.name, task.schedule_time, task.sequence)
        self.pump()

    def find(self, name: str) -> Task:
        """Return a task that has neither ended nor been deleted, else 404."""
        if name not in self.tasks:
            raise not_found()
        return self.tasks[name]

    def delete(self, name: str) -> None:
        """Remove a task; the answer of a running attempt no longer matters."""
        self._forget(self.find(name))
        self._around.activity.changed()

    def purge(self) -> None:
        """Remove every task."""
        self.purge_time = time.time()
        for task in list(self.tasks.values()):
            self._forget(task)
        self._due.clear()
        self._around.activity.changed()

    def run_now(self, name: str) -> Task:
        """Dispatch a task at once, whatever the limits, the pause or its due time say."""
        task = self.find(name)
        self._due.discard(name)
        self._start(task, time.time())
        return task

    def is_idle(self) -> bool:
        """Say whether nothing runs and nothing is due within a second."""
        next_due = self._due.next_due()
        soon = next_due is not None and next_due <= time.time() + _IDLE_AHEAD_SECONDS
        return not (self._running or soon or self._due.has_ready())

    def close(self) -> None:
        """Start nothing any more."""
        self.is_paused = True
        if self._timer is not None:
            self._timer.cancel()

    def pump(self) -> None:
        """Start every task that is due and within the limits."""
        now = time.time()
        self._due.advance(now, self._around.faults.rank)
        while self._may_start() and self._bucket.take(now):
            self._start(self.tasks[self._due.pop()], now)
        self._arm(now)

    def _may_start(self) -> bool:
        return not self.is_paused and self._running < self.settings.limits.concurrent and self._due.has_ready()

    def _arm(self, now: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        wait = self._seconds_until_next(now)
        if wait is not None:
            self._timer = asyncio.get_running_loop().call_later(max(wait, _SHORTEST_TIMER_SECONDS), self.pump)

    def _seconds_until_next(self, now: float) -> float | None:
        if self.is_paused or self._running >= self.settings.limits.concurrent:
            return None  # Resuming or the end of an attempt pumps again.
        if self._due.has_ready():
            return self._bucket.wait_seconds(now)
        next_due = self._due.next_due()
        return None if next_due is None else next_due - now

    def _start(self, task: Task, now: float) -> None:
        headers = build_dispatch_headers(task)
        attempt = task.begin(now)
        self._running += 1
        self._around.background.start(asyncio.create_task(self._attempt(task, attempt, headers)))

    async def _attempt(self, task: Task, attempt: Attempt, headers: Mapping[str, str]) -> None:
        copies = self._around.faults.copies()
        self.stats.count_dispatch(copies)
        deadline = self._around.faults.deadline_seconds or task.deadline_seconds
        sends = (self._around.sender.send(task.target, headers, deadline) for _ in range(copies))
        answers = await asyncio.gather(*sends) if copies > 1 else [await next(sends)]
        self._finish(task, attempt, next((answer for answer in answers if answer.is_success), answers[-1]))

    def _finish(self, task: Task, attempt: Attempt, answer: Answer) -> None:
        now = time.time()
        self._running -= 1
        task.end(attempt, answer, now)
        self.stats.count_answer(answer)
        self._adapt_rate(answer, now)
        if self.tasks.get(task.name) is task:
            self._settle(task, answer, now)
        self.pump()
        self._around.activity.changed()

    def _adapt_rate(self, answer: Answer, now: float) -> None:
        if answer.asks_to_slow_down:
            self._bucket.slow_down(now)
        elif answer.is_success:
            self._bucket.recover(now)

    def _settle(self, task: Task, answer: Answer, now: float) -> None:
        policy = task.retry or self.settings.retry
        if answer.is_success:
            self._forget(task)
        elif task.in_flight:
            return  # A forced run is still under way; its end decides.
        elif policy.is_exhausted(task.dispatch_count, now - (task.first_dispatch or now)):
            self.stats.exhausted += 1
            self._forget(task)
        else:
            self.stats.retried += 1
            task.schedule_time = now + max(policy.wait_seconds(task.dispatch_count - 1), answer.retry_after or 0.0)
            self._due.push(task.name, task.schedule_time, task.sequence)

    def _forget(self, task: Task) -> None:
        del self.tasks[task.name]
        self._due.discard(task.name)
        if task.is_named:
            self._tombstones.add(task.name, time.time())
