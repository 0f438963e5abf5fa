"""Asking FCM whether a credential works: a message to a topic that nobody subscribes to, to be checked and not delivered."""

from __future__ import annotations

import json
from dataclasses import dataclass

from fanfare.domain.classification import RULES, Answer, Kind, MessageAction, classify
from fanfare.domain.errors import InvalidRequest, Unavailable

VALIDATION_TOPIC = "fanfare-validation"
"""Nobody subscribes to it: a message to it, checked and not delivered, asks FCM about the credential or the payload alone."""
BODY = json.dumps({"validate_only": True, "message": {"topic": VALIDATION_TOPIC, "data": {"check": "credential"}}}).encode("ascii")


@dataclass(frozen=True, slots=True)
class DryRun:
    """What Google said. `code` is its own word, or the id of the message that it accepted; `http_status` is 0 where its token service spoke."""

    kind: Kind
    code: str
    http_status: int

    @property
    def is_accepted(self) -> bool:
        """Whether the credential works."""
        return self.kind is Kind.ACCEPTED


def judge(answer: Answer) -> DryRun:
    """Read FCM's answer to the dry run."""
    verdict = classify(answer)
    return DryRun(verdict.kind, verdict.detail, verdict.http_status)


def check_accepted(result: DryRun) -> None:
    """Refuse a credential that Google refuses, with Google's word; Unavailable where the answer says nothing about the credential."""
    if result.is_accepted:
        return
    if RULES[result.kind].message is MessageAction.RETRY:
        raise Unavailable(f"FCM can't check the credential now ({result.code}).", retry_after_seconds=30)
    raise InvalidRequest.at("credential", f"Google refuses it: {result.code}")
