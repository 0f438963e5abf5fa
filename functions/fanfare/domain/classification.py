"""What FCM's answer means: one total table from (HTTP status, error details) to what is done about it.

The table is `RULES`; `classify` finds an answer's row, whatever the answer. Sources: fcm.md, which names FCM's own pages for each row.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from fanfare.domain.device import InactiveReason
from fanfare.domain.fcm_error import FcmError, parse_error


class Kind(StrEnum):
    """The rows of the table."""

    ACCEPTED = "accepted"
    UNREGISTERED = "unregistered"
    WRONG_PROJECT = "wrong_project"
    BAD_PAYLOAD = "bad_payload"
    BAD_TARGET = "bad_target"
    SENDER_ID_MISMATCH = "sender_id_mismatch"
    PERMISSION_DENIED = "permission_denied"
    THIRD_PARTY_AUTH = "third_party_auth"
    UNAUTHENTICATED = "unauthenticated"
    MESSAGE_RATE = "message_rate"
    DEVICE_RATE = "device_rate"
    TOPIC_RATE = "topic_rate"
    SERVER_ERROR = "server_error"
    NO_ANSWER = "no_answer"
    REFUSED = "refused"
    UNREADABLE = "unreadable"


class MessageAction(StrEnum):
    """What becomes of the message to this recipient.

    FAIL_RENDERING fails everyone who would get the same bytes. PARK leaves it unsent and opens the tenant's breaker, both in one: what is parked
    waits for the breaker to close.
    """

    DONE = "done"
    FAIL = "fail"
    FAIL_RENDERING = "fail_rendering"
    RETRY = "retry"
    PARK = "park"


class TargetAction(StrEnum):
    """What becomes of the target. RETIRE_IF_PAYLOAD_GOOD needs proof that the same payload is accepted elsewhere."""

    LEAVE = "leave"
    RETIRE = "retire"
    RETIRE_IF_PAYLOAD_GOOD = "retire_if_payload_good"


class ProjectAction(StrEnum):
    """What becomes of the tenant's other messages, where the message's own action does not say it. RENEW_TOKEN comes before the message's action."""

    NONE = "none"
    OPEN_PLATFORM_BREAKER = "open_platform_breaker"
    RENEW_TOKEN = "renew_token"  # noqa: S105 - an action, not a secret
    SLOW_DOWN = "slow_down"


class RetryRule(StrEnum):
    """How long to wait: BACKOFF begins at ten seconds, QUOTA at a minute; both honour Retry-After."""

    NEVER = "never"
    BACKOFF = "backoff"
    QUOTA = "quota"


@dataclass(frozen=True, slots=True)
class Rule:
    """One row: what is done, which counter counts it, whether an operator is woken, whether a failure is kept as a dead letter."""

    message: MessageAction
    target: TargetAction = TargetAction.LEAVE
    project: ProjectAction = ProjectAction.NONE
    retry: RetryRule = RetryRule.NEVER
    alert: bool = False
    dead_letter: bool = False


_RETRY = Rule(MessageAction.RETRY, project=ProjectAction.SLOW_DOWN, retry=RetryRule.BACKOFF)
_UNKNOWN_OUTCOME = Rule(MessageAction.RETRY, retry=RetryRule.BACKOFF)
_QUOTA = Rule(MessageAction.RETRY, retry=RetryRule.QUOTA)
_BROKEN_PROJECT = Rule(MessageAction.PARK, alert=True)

RULES: Mapping[Kind, Rule] = {
    Kind.ACCEPTED: Rule(MessageAction.DONE),
    Kind.UNREGISTERED: Rule(MessageAction.FAIL, TargetAction.RETIRE),
    Kind.WRONG_PROJECT: _BROKEN_PROJECT,
    Kind.BAD_PAYLOAD: Rule(MessageAction.FAIL_RENDERING),
    Kind.BAD_TARGET: Rule(MessageAction.FAIL, TargetAction.RETIRE_IF_PAYLOAD_GOOD),
    Kind.SENDER_ID_MISMATCH: Rule(MessageAction.FAIL, TargetAction.RETIRE),
    Kind.PERMISSION_DENIED: _BROKEN_PROJECT,
    Kind.THIRD_PARTY_AUTH: Rule(MessageAction.FAIL, project=ProjectAction.OPEN_PLATFORM_BREAKER, alert=True, dead_letter=True),
    Kind.UNAUTHENTICATED: Rule(MessageAction.PARK, project=ProjectAction.RENEW_TOKEN, alert=True),
    Kind.MESSAGE_RATE: Rule(MessageAction.RETRY, project=ProjectAction.SLOW_DOWN, retry=RetryRule.QUOTA),
    Kind.DEVICE_RATE: _QUOTA,
    Kind.TOPIC_RATE: _QUOTA,
    Kind.SERVER_ERROR: _RETRY,
    Kind.NO_ANSWER: _UNKNOWN_OUTCOME,
    Kind.REFUSED: Rule(MessageAction.FAIL, alert=True, dead_letter=True),
    Kind.UNREADABLE: _UNKNOWN_OUTCOME,
}
"""What a kind means is its own name: the word that logs and quarantines use for it."""

REASONS: Mapping[Kind, InactiveReason] = {
    Kind.UNREGISTERED: InactiveReason.UNREGISTERED,
    Kind.SENDER_ID_MISMATCH: InactiveReason.SENDER_ID_MISMATCH,
    Kind.BAD_TARGET: InactiveReason.INVALID_TARGET,
}
"""Why a target of this kind of answer is retired."""


class Answer(NamedTuple):
    """FCM's answer to one message as it came off the wire. `status` is 0 where there was none: FCM may have accepted the message or not."""

    status: int
    body: bytes = b""
    retry_after_seconds: int = 0


class Verdict(NamedTuple):
    """An answer's row. `detail` is FCM's message id where accepted, else the error code; `retry_after_seconds` is 0 where FCM named no wait."""

    kind: Kind
    detail: str
    http_status: int
    retry_after_seconds: int = 0

    @property
    def rule(self) -> Rule:
        """What is done about it."""
        return RULES[self.kind]


_PLAIN_NAME = re.compile(rb'[ \t\r\n]*\{[ \t\r\n]*"name"[ \t\r\n]*:[ \t\r\n]*"([ !#-\[\]-~]+)"[ \t\r\n]*\}[ \t\r\n]*\Z').match
_LONGEST_NAME = 512


def classify(answer: Answer) -> Verdict:
    """Find any answer's row; never raises."""
    if answer.status == 200:
        return _accepted(answer)
    if answer.status == 0:
        return Verdict(Kind.NO_ANSWER, "NO_ANSWER", 0)
    error = parse_error(answer.body)
    kind = _kind_of(answer.status, error)
    code = error.fcm_code or error.status or f"HTTP_{answer.status}"
    return Verdict(kind, code, answer.status, max(0, answer.retry_after_seconds))


def _accepted(answer: Answer) -> Verdict:
    """A 200 with a name is an acceptance; any other 200 came from something between FCM and us, so the outcome is unknown."""
    name = _name_of(answer.body)
    return Verdict(Kind.ACCEPTED, name, 200) if name else Verdict(Kind.UNREADABLE, "UNREADABLE_ANSWER", 200)


def _name_of(body: bytes) -> str:
    # Matching is five times cheaper than parsing; whatever is laid out in another way is parsed.
    found = _PLAIN_NAME(body)
    if found is not None:
        return found[1].decode("ascii")[:_LONGEST_NAME]
    try:
        content: Any = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    named = content.get("name") if isinstance(content, dict) else None
    # A name from something that speaks in FCM's place must not be one that can't be stored: a chunk with it could never be concluded.
    return named[:_LONGEST_NAME].encode("utf-8", "replace").decode("utf-8") if isinstance(named, str) else ""


_BY_CODE: Mapping[tuple[int, str], Kind] = {
    (404, "UNREGISTERED"): Kind.UNREGISTERED,
    (403, "SENDER_ID_MISMATCH"): Kind.SENDER_ID_MISMATCH,
    (401, "THIRD_PARTY_AUTH_ERROR"): Kind.THIRD_PARTY_AUTH,
}
_BY_STATUS: Mapping[int, Kind] = {401: Kind.UNAUTHENTICATED, 403: Kind.PERMISSION_DENIED, 404: Kind.WRONG_PROJECT}
_REQUEST_TIMEOUT = 408
"""Google's front end gave up waiting for the request: nothing was said about the message."""


def _kind_of(status: int, error: FcmError) -> Kind:
    known = _BY_CODE.get((status, error.fcm_code))
    if known is not None:
        return known
    if status == 400:
        return _kind_of_bad_request(error)
    if status == 429:
        return _kind_of_quota(error)
    if status in _BY_STATUS and (status == 401 or error.fcm_code in {"", "UNSPECIFIED_ERROR"}):
        return _BY_STATUS[status]
    if status >= 500 or status == _REQUEST_TIMEOUT:
        return Kind.SERVER_ERROR
    return Kind.REFUSED if status >= 400 else Kind.UNREADABLE


def _kind_of_bad_request(error: FcmError) -> Kind:
    """BadRequest names the payload, unless all that it names is the target; an FcmError alone means the target."""
    if error.violated_fields and all(field in {"message.token", "message.fid"} for field in error.violated_fields):
        return Kind.BAD_TARGET
    if error.is_bad_request:
        return Kind.BAD_PAYLOAD
    return Kind.BAD_TARGET if error.fcm_code == "INVALID_ARGUMENT" else Kind.REFUSED


def _kind_of_quota(error: FcmError) -> Kind:
    """FCM says in words which of its three rates was exceeded; without words it is the project's, which is also what an overload answers."""
    words = error.quota_words.lower()
    if "device" in words:
        return Kind.DEVICE_RATE
    return Kind.TOPIC_RATE if "topic" in words else Kind.MESSAGE_RATE
