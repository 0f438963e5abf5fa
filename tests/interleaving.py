"""Several workers whose calls to their stores come in whatever order a seed says, each of which may die before or after any of them.

Each worker is a thread, but only one runs at a time: it stops before every call of a store that it was given, until it is picked again.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


class Died(BaseException):
    """The process of a worker was killed: nothing of it runs any more, no handler either."""


class Worker:
    """One thread of work; `is_done` once it has returned, raised or died."""

    def __init__(self, work: Callable[[Worker], object]) -> None:
        self.is_done = False
        self.failure: BaseException | None = None
        self._fate: str = "live"
        self._turn, self._back = threading.Semaphore(0), threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, args=(work,), daemon=True)
        self._thread.start()

    def advance(self, fate: str = "live") -> None:
        """Let it make its next call; `fate` may be "die before" it or "die after" it."""
        self._fate = fate
        self._turn.release()
        self._back.acquire()
        if self.is_done:
            self._thread.join()

    def watched(self, store: object, passing: Callable[[str, tuple[Any, ...]], bool] = lambda *_: False) -> Any:
        """A store before whose every call this worker waits for its turn, except for those, by name and arguments, that `passing` lets through."""
        return _Watched(store, self, passing)

    def call(self, method: Callable[..., Any], given: tuple[Any, ...], named: dict[str, Any]) -> Any:
        self._back.release()
        self._turn.acquire()
        if self._fate == "die before":
            raise Died
        answer = method(*given, **named)
        if self._fate == "die after":
            raise Died
        return answer

    def _run(self, work: Callable[[Worker], object]) -> None:
        self._turn.acquire()
        try:
            work(self)
        except Died:
            pass
        except BaseException as failure:  # noqa: BLE001 - the test raises it again in its own thread
            self.failure = failure
        self.is_done = True
        self._back.release()


class _Watched:
    def __init__(self, store: object, worker: Worker, passing: Callable[[str, tuple[Any, ...]], bool]) -> None:
        self._store, self._worker, self._passing = store, worker, passing

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)

        def call(*given: Any, **named: Any) -> Any:
            return method(*given, **named) if self._passing(name, given) else self._worker.call(method, given, named)

        return call


class Crew:
    """The workers of one history, advanced in an order drawn from `chance`."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self.workers: list[Worker] = []

    def hire(self, work: Callable[[Worker], object]) -> None:
        """Begin a piece of work; it makes its first call when it is picked."""
        self.workers.append(Worker(work))

    def advance(self, deaths: float) -> None:
        """Advance any worker by one call; with a probability of `deaths` it dies there."""
        if self.workers:
            fate = self._chance.choice(["die before", "die after"]) if self._chance.random() < deaths else "live"
            self._advance(self._chance.choice(self.workers), fate)

    def finish(self) -> None:
        """Let all of them come to their ends, one call of any of them after another."""
        while self.workers:
            self._advance(self._chance.choice(self.workers), "live")

    def _advance(self, worker: Worker, fate: str) -> None:
        worker.advance(fate)
        if worker.is_done:
            self.workers.remove(worker)
            if worker.failure is not None:
                raise worker.failure


@contextmanager
def crew(chance: random.Random) -> Iterator[Crew]:
    """A crew whose workers are all gone at the end, whatever happens: those that are left die at their next call."""
    hired = Crew(chance)
    try:
        yield hired
    finally:
        for worker in list(hired.workers):
            while not worker.is_done:
                worker.advance("die before")
