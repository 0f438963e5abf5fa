"""FCM's own books: every message that was posted to it, when, to whom, and what it answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, NamedTuple

from fanfare.domain.classification import Answer
from fanfare.domain.tenant import Tenant
from tests.fakes import FixedClock, ScriptedPushSender


class Post(NamedTuple):
    """One message: `says` is its title, or the type of one without a title; `day` is the one that its notification counts for."""

    at: datetime
    device_id: str
    notification_id: str
    says: str
    accepted: bool
    day: date


class Ledger(ScriptedPushSender):
    """A scripted FCM that keeps books."""

    def __init__(self, clock: FixedClock, answers: Mapping[str, Answer] | None = None) -> None:
        super().__init__(answers)
        self.posts: list[Post] = []
        self._clock = clock
        self.day_of: Callable[[str], date] = lambda _: self._clock.now().date()

    def _post(self, tenant: Tenant, key: str, body: bytes) -> Answer:
        answer = super()._post(tenant, key, body)
        message: dict[str, Any] = self.sent.pop()[1]["message"]
        data = message.get("data", {})
        says = message.get("notification", {}).get("title") or data.get("type", "")
        name = data["fanfare_id"]
        self.posts.append(Post(self._clock.at, key, name, says, answer.status == 200, self.day_of(name)))
        return answer
