"""What gunicorn's worker tells of the instance: whether it is to end, and how many threads it has."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from fanfare.adapters.lifecycle import WorkerLifecycle


class Worker:
    """What gunicorn's worker is to its signal's handler."""

    def __init__(self, threads: int) -> None:
        self.alive = True
        self.cfg = SimpleNamespace(threads=threads)

    def handle_exit(self, _number: int, _frame: object) -> None:
        self.alive = False


@pytest.fixture
def worker() -> Iterator[Worker]:
    """A worker that handles this process's SIGTERM."""
    worker, before = Worker(64), signal.getsignal(signal.SIGTERM)
    signal.signal(signal.SIGTERM, worker.handle_exit)
    yield worker
    signal.signal(signal.SIGTERM, before)


def test_instance_is_stopping_once_its_worker_was_told_to_end(worker: Worker) -> None:
    assert not WorkerLifecycle().is_stopping()
    signal.raise_signal(signal.SIGTERM)
    assert not worker.alive
    assert WorkerLifecycle().is_stopping()


def test_instance_has_the_threads_of_its_worker(worker: Worker) -> None:
    assert WorkerLifecycle().threads() == worker.cfg.threads == 64


def test_instance_without_a_worker_has_one_thread_and_never_stops() -> None:
    assert (WorkerLifecycle().threads(), WorkerLifecycle().is_stopping()) == (1, False)
