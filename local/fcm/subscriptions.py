"""Which registrations are subscribed to which topics, as the simulator remembers it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

MOST_TOPICS = 2_000
"""Of one registration (FCM's guide on topic messaging)."""
_Place = tuple[str, str]


class Subscriptions:
    """Topics, with the time of their subscription, by project and registration; the order is that of subscribing."""

    def __init__(self) -> None:
        self._topics: dict[_Place, dict[str, str]] = {}
        self._attempts: Counter[_Place] = Counter()

    def attempt(self, project: str, registration: str) -> int:
        """Count a request about a registration and return its number, from 1."""
        self._attempts[project, registration] += 1
        return self._attempts[project, registration]

    def of(self, project: str, registration: str) -> dict[str, str]:
        """Return a registration's topics and when each was subscribed to."""
        return self._topics.get((project, registration), {})

    def add(self, project: str, registration: str, topic: str) -> None:
        """Subscribe; a subscription that is there keeps its time."""
        now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        self._topics.setdefault((project, registration), {}).setdefault(topic, now)

    def remove(self, project: str, registration: str, topic: str) -> None:
        """Unsubscribe."""
        self.of(project, registration).pop(topic, None)

    def listed(self, *, target: str | None, project: str | None) -> Iterator[dict[str, str]]:
        """Yield the subscriptions of a target and of a project, or of all."""
        for (owner, registration), topics in self._topics.items():
            if target in {None, registration} and project in {None, owner}:
                yield from ({"project": owner, "target": registration, "topic": topic} for topic in topics)

    def forget(self) -> None:
        """Forget all of them."""
        self._topics.clear()
        self._attempts.clear()
