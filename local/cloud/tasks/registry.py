"""All queues, by resource name."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from local.cloud.errors import already_exists, not_found
from local.cloud.tasks.queue import Surroundings, TaskQueue
from local.cloud.tasks.settings import QueueSettings


class QueueRegistry:
    """Makes, finds and removes queues; numbers the tasks in the order of creation."""

    def __init__(self, around: Surroundings) -> None:
        self.around = around
        self.sequence = itertools.count()
        self._queues: dict[str, TaskQueue] = {}

    def __iter__(self) -> Iterator[TaskQueue]:
        return iter(self._queues.values())

    def create(self, name: str, settings: QueueSettings) -> TaskQueue:
        """Make a queue; 409 when it exists."""
        if name in self._queues:
            raise already_exists("Queue already exists")
        self._queues[name] = TaskQueue(name, settings, self.around)
        return self._queues[name]

    def get(self, name: str) -> TaskQueue | None:
        """Return the queue, or None."""
        return self._queues.get(name)

    def find(self, name: str) -> TaskQueue:
        """Return the queue, else 404."""
        if name not in self._queues:
            raise not_found("Queue does not exist.")
        return self._queues[name]

    def delete(self, name: str) -> None:
        """Remove the queue with its tasks."""
        queue = self.find(name)
        queue.close()
        queue.purge()
        del self._queues[name]

    def named(self, name: str | None) -> list[TaskQueue]:
        """Return the queues with this id or resource name, all for None; 404 when there is none."""
        found = [queue for queue in self if name is None or name in {queue.name, queue.name.rpartition("/")[2]}]
        if name is not None and not found:
            raise not_found("Queue does not exist.")
        return found

    def close(self) -> None:
        """Start nothing any more."""
        for queue in self:
            queue.close()
