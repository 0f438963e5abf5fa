"""What FCM's answer to a change of one subscription means (projects.registrations.topicSubscriptions, discovery document of FCM v1).

| answer | what is done |
|---|---|
| 200 with a JSON object; 409 ALREADY_EXISTS to a subscription; 404 NOT_FOUND to an unsubscription | done |
| the target is dead, another sender's or none at all | over: no target, no subscription |
| 429, 5xx, silence, what can't be read | tried again, by the rules of messages (domain/classification.py) |
| 401, 403, 404 of the project | the tenant's breaker opens |
| any other refusal | over, with FCM's code |
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from fanfare.domain.classification import Answer, Kind, MessageAction, RetryRule, Verdict, classify
from fanfare.domain.fcm_error import parse_error


class SyncAction(StrEnum):
    """What becomes of one change. GONE and FAILED are final; PARK waits for the tenant's breaker to close."""

    DONE = "done"
    GONE = "gone"
    FAILED = "failed"
    RETRY = "retry"
    PARK = "park"


class SyncOutcome(NamedTuple):
    """An answer's meaning: FCM's code, how long to wait and whether the access token may be to blame."""

    action: SyncAction
    code: str = ""
    retry: RetryRule = RetryRule.NEVER
    retry_after_seconds: int = 0
    kind: Kind | None = None


DONE = SyncOutcome(SyncAction.DONE)
_DEAD = frozenset({Kind.UNREGISTERED, Kind.SENDER_ID_MISMATCH, Kind.BAD_TARGET})
_ACTIONS: Mapping[MessageAction, SyncAction] = {MessageAction.RETRY: SyncAction.RETRY, MessageAction.PARK: SyncAction.PARK}


def judge(answer: Answer, *, subscribed: bool) -> SyncOutcome:
    """Tell what an answer means to a call that subscribed (or else unsubscribed); never raises."""
    if _is_done(answer, subscribed=subscribed):
        return DONE
    verdict = classify(answer) if answer.status != 200 else Verdict(Kind.UNREADABLE, "UNREADABLE_ANSWER", 200)
    rule = verdict.rule
    action = SyncAction.GONE if verdict.kind in _DEAD else _ACTIONS.get(rule.message, SyncAction.FAILED)
    return SyncOutcome(action, verdict.detail, rule.retry, verdict.retry_after_seconds, verdict.kind)


def _is_done(answer: Answer, *, subscribed: bool) -> bool:
    if answer.status == 200:
        return _is_object(answer.body)
    if answer.status not in {404, 409}:
        return False
    error = parse_error(answer.body)
    expected = (409, "ALREADY_EXISTS") if subscribed else (404, "NOT_FOUND")
    return (answer.status, error.status) == expected and not error.fcm_code


def _is_object(body: bytes) -> bool:
    """Tell our answer from one of something between FCM and us, such as the page of a proxy."""
    try:
        return isinstance(json.loads(body), dict)
    except (ValueError, RecursionError):
        return False
