"""The body of `messages:send`, parsed: any bytes in, a checked message or FCM's own 400 out."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, NoReturn, cast

from local.fcm.error_shapes import FcmAnswer, invalid_argument, too_big, unparsable
from local.fcm.errors import ErrorName, named_error
from local.fcm.payload import Block, oversized_platform
from local.fcm.problems import Invalid
from local.fcm.rules import broken_rules
from local.fcm.schema import send_request_check

TARGET_KINDS = frozenset({"fid", "token", "topic", "condition"})
REGISTRATION = re.compile(r"[^\s\x00-\x1f\x7f]{1,4096}")


class Target(NamedTuple):
    """What a message is addressed to; `kind` is one of fid, token, topic, condition."""

    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class SendRequest:
    """A valid request; `message` has lowerCamelCase names and canonical enums."""

    message: Block
    target: Target
    validate_only: bool


class Refused(Exception):
    """FCM's answer to a request that is not valid, and the target where one could be read."""

    def __init__(self, answer: FcmAnswer, target: Target | None = None) -> None:
        super().__init__(answer.code)
        self.answer = answer
        self.target = target


def parse_send_request(body: bytes) -> SendRequest:
    """Check a body against schema and rules; raises `Refused`."""
    try:
        content = cast("Mapping[str, object]", send_request_check()(_json(body)))
    except Invalid as invalid:
        raise Refused(unparsable([problem.violation() for problem in invalid.problems])) from None
    message = cast("Block", content.get("message"))
    if message is None:
        raise Refused(invalid_argument([("message", "The message is not set.")]))
    request = SendRequest(message, _target(message), content.get("validateOnly") is True)
    if failure := _failure(request):
        raise Refused(failure, None if request.validate_only else request.target)
    return request


def _json(body: bytes) -> object:
    """Decode strict JSON in UTF-8: no NaN, no half surrogate pairs."""
    try:
        text = body.decode()
        content = json.loads(text, parse_constant=_refuse_constant) if text.strip() else {}
        if "\\u" in text:
            json.dumps(content, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise Refused(unparsable([("", "Invalid JSON payload received. Unexpected token.")])) from None
    return cast("object", content)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _target(message: Block) -> Target:
    kinds = [kind for kind in message if kind in TARGET_KINDS]
    if not kinds:
        raise Refused(invalid_argument([("message", "Recipient of the message is not set.")]))
    if len(kinds) > 1:
        text = f"Invalid value at 'message' (oneof), oneof field 'target' is already set. Cannot set '{kinds[1]}'"
        raise Refused(unparsable([("message", text)]))
    return Target(kinds[0], cast("str", message[kinds[0]]))


def _failure(request: SendRequest) -> FcmAnswer | None:
    """Return what FCM's rules say against a request, or None."""
    kind, value = request.target
    if problems := broken_rules(request.message):
        return invalid_argument([problem.violation() for problem in problems])
    if platform := oversized_platform(request.message):
        return too_big(platform)
    if kind in {"fid", "token"} and not REGISTRATION.fullmatch(value):
        return named_error(ErrorName.INVALID_ARGUMENT_TOKEN)
    return None
