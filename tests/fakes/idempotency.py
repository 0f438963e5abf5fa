"""Answers under an Idempotency-Key in memory."""

from __future__ import annotations

import json
import threading

from fanfare.domain.errors import Unavailable
from fanfare.domain.idempotency import Attempt, StoredAnswer, decide_replay


class MemoryIdempotencyStore:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answers: dict[tuple[str, str], StoredAnswer] = {}

    def begin(self, tenant: str, attempt: Attempt) -> StoredAnswer | None:
        place = (tenant, attempt.key_hash)
        with self._lock:
            replay = decide_replay(self._answers.get(place), attempt)
            if replay is None:
                self._answers[place] = StoredAnswer(attempt.request_hash, 0, None, attempt.at)
        return replay

    def finish(self, tenant: str, key_hash: str, answer: StoredAnswer) -> None:
        with self._lock:
            reserved = self._answers.get((tenant, key_hash))
            if reserved is None:
                raise Unavailable("Nothing is reserved under this key.")
            body = json.loads(json.dumps(answer.body))
            self._answers[tenant, key_hash] = StoredAnswer(reserved.request_hash, answer.status, body, reserved.reserved_at)

    def abandon(self, tenant: str, attempt: Attempt) -> None:
        with self._lock:
            reserved = self._answers.get((tenant, attempt.key_hash))
            if reserved is not None and not reserved.status and reserved.reserved_at == attempt.at:
                del self._answers[tenant, attempt.key_hash]
