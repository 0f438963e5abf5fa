"""FCM by a script: each target gets the answer that the test chose, every other one is accepted under a name of its own.

Like the real sender it takes a message only when there is room for it: what an answer makes the caller hold back is not sent.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from fanfare.domain.classification import Answer
from fanfare.domain.message import TargetKind
from fanfare.domain.tenant import Tenant

_KINDS = tuple(kind.value for kind in TargetKind)


class ScriptedPushSender:
    """`answers` by target; `failure` is raised instead of sending.

    `on_batch` is called when a batch has been answered and not yet been handed over: time passes then, or another call takes the chunk.
    `sent` keeps (key, request body) of what was posted, in its order; `renewed` the tenants whose access token was to be forgotten.
    """

    def __init__(self, answers: Mapping[str, Answer] | None = None, *, failure: Exception | None = None, batch_size: int = 100) -> None:
        self.answers = dict(answers or {})
        self.failure = failure
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self.renewed: list[str] = []
        self.on_batch: Callable[[], object] = lambda: None
        self._batch_size = batch_size
        self._numbers = itertools.count(1)

    def send(self, tenant: Tenant, bodies: Iterable[tuple[str, bytes]]) -> Iterator[Sequence[tuple[str, Answer]]]:
        if self.failure is not None:
            raise self.failure
        feed = iter(bodies)
        while batch := list(itertools.islice(feed, self._batch_size)):
            answered = [(key, self._post(tenant, key, body)) for key, body in batch]
            self.on_batch()
            yield answered

    def renew(self, tenant: Tenant) -> None:
        self.renewed.append(tenant.id)

    def _post(self, tenant: Tenant, key: str, body: bytes) -> Answer:
        request = json.loads(body)
        self.sent.append((key, request))
        return self.answers.get(_target(request)) or self._accepted(tenant)

    def _accepted(self, tenant: Tenant) -> Answer:
        name = f"projects/{tenant.firebase_project_id}/messages/{next(self._numbers)}"
        return Answer(200, json.dumps({"name": name}).encode())


def _target(request: Mapping[str, Any]) -> str:
    return next(str(request["message"][kind]) for kind in _KINDS if kind in request["message"])
