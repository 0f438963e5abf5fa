"""Performing a request once per Idempotency-Key and answering its repeats with the first answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fanfare.domain.call import Call
from fanfare.domain.idempotency import Attempt, StoredAnswer
from fanfare.domain.identifiers import hash_identifier
from fanfare.ports import Deps


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """A status and a JSON body; `replayed` if it was given before."""

    status: int
    body: Any
    replayed: bool = False


def perform_once(deps: Deps, call: Call, route: str, request_hash: str, perform: Callable[[], HttpAnswer]) -> HttpAnswer:
    """Perform the request, or return the answer that its key got before. A request that fails leaves its key free."""
    if call.idempotency_key is None:
        return perform()
    tenant = call.tenant
    attempt = Attempt(hash_identifier(call.actor.kind, call.actor.id, route, call.idempotency_key), request_hash, deps.clock.now())
    stored = deps.idempotency.begin(tenant, attempt)
    if stored is not None:
        return HttpAnswer(stored.status, stored.body, replayed=True)
    try:
        answer = perform()
    except BaseException:
        deps.idempotency.abandon(tenant, attempt)
        raise
    deps.idempotency.finish(tenant, attempt.key_hash, StoredAnswer(request_hash, answer.status, answer.body, attempt.at))
    return answer
