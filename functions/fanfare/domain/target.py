"""What FCM is addressed by: a registration token or a Firebase installation id, a topic or a condition."""

from __future__ import annotations

import re
from typing import NamedTuple

from fanfare.domain.errors import InvalidRequest
from fanfare.domain.identifiers import hash_identifier
from fanfare.domain.message import TargetKind

LONGEST_TARGET = 4_096
_DEVICE_TARGET = re.compile(r"[A-Za-z0-9_:.%~+=/-]+\Z")
_FID = re.compile(r"[c-f][A-Za-z0-9_-]{21}\Z")
_APNS_TOKEN = re.compile(r"[0-9A-Fa-f]{64}\Z")
_TOPIC = re.compile(r"[a-zA-Z0-9\-_.~%]{1,900}\Z")
_CONDITION_TOKEN = re.compile(
    r"(?P<topic>'[a-zA-Z0-9\-_.~%]{1,900}'\s+in\s+topics)|(?P<operator>&&|\|\||[!()])|(?P<space>\s+)|(?P<other>.)", re.DOTALL
)
_QUOTED = re.compile(r"'([^']*)'")
TOPICS_PER_CONDITION = 5
"""FCM evaluates at most five topics in one condition (firebase.google.com/docs/cloud-messaging/topic-messaging)."""


class Target(NamedTuple):
    """One destination of FCM. `value` never leaves the store in clear and never reaches a log."""

    kind: TargetKind
    value: str

    def __repr__(self) -> str:
        """Hide the value: a target in a traceback would be a target in a log."""
        return f"Target({self.kind}, …)"


def check_device_target(kind: TargetKind, value: str, field: str) -> Target:
    """Check the shape of a token or FID. The character set is what can be spliced into JSON unescaped; `field` names the input in an error."""
    if not value or len(value) > LONGEST_TARGET:
        raise InvalidRequest.at(field, f"must have 1 to {LONGEST_TARGET} characters")
    if _DEVICE_TARGET.match(value) is None:
        raise InvalidRequest.at(field, "holds a character that no FCM target has")
    return Target(kind, value)


def check_registered_target(kind: TargetKind, value: str, field: str) -> Target:
    """Check a token or FID that is to be kept: beyond its characters, whether it is of the kind that it is given as.

    A FID is 17 random bytes that begin with the bits 0111, in base64url and cut to 22 characters: every Firebase SDK makes it so. A token has no
    documented shape and may be a FID; what is often mistaken for one has.
    """
    target = check_device_target(kind, value, field)
    if kind is TargetKind.FID and _FID.match(value) is None:
        raise InvalidRequest.at(field, "must be a Firebase installation id: 22 characters of base64url that begin with c, d, e or f")
    if _APNS_TOKEN.match(value) is not None:
        raise InvalidRequest.at(field, "is a device token of APNs; give the registration token that the Firebase SDK makes of it")
    if "://" in value:
        raise InvalidRequest.at(field, "is an address; give the registration token and not the endpoint of the push subscription")
    return target


def check_topic(name: str, field: str = "to.topic") -> Target:
    """Check a topic's name; the legacy prefix `/topics/` is not part of it."""
    if _TOPIC.match(name) is None:
        raise InvalidRequest.at(field, "must match [a-zA-Z0-9-_.~%]{1,900}, without the prefix /topics/")
    return Target(TargetKind.TOPIC, name)


def check_condition(condition: str, field: str = "to.condition") -> Target:
    """Check a topic condition: `'a' in topics && ('b' in topics || !('c' in topics))`, at most five topics."""
    shape = _shape_of(condition)
    topics = shape.count("T")
    if topics == 0 or topics > TOPICS_PER_CONDITION:
        raise InvalidRequest.at(field, f"must name 1 to {TOPICS_PER_CONDITION} topics as 'name' in topics")
    if not _is_boolean_expression(shape):
        raise InvalidRequest.at(field, "must combine topics with &&, ||, ! and balanced parentheses")
    return Target(TargetKind.CONDITION, condition)


def topics_of(target: Target) -> tuple[str, ...]:
    """The topics that a topic or a condition names, in the order in which it names them."""
    if target.kind is TargetKind.TOPIC:
        return (target.value,)
    return tuple(dict.fromkeys(_QUOTED.findall(target.value))) if target.kind is TargetKind.CONDITION else ()


def _shape_of(condition: str) -> str:
    """The condition with each topic as T, without spaces; whatever is no part of a condition is left in it as ?."""
    tokens = _CONDITION_TOKEN.finditer(condition)
    return "".join("T" if token["topic"] else token["operator"] or ("?" if token["other"] else "") for token in tokens)


def _is_boolean_expression(shape: str) -> bool:
    """Reduce `!T`, `(T)`, `T&&T`, `T||T` until a single T is left: a grammar of one symbol needs no parser."""
    before = ""
    while before != shape:
        before = shape
        shape = shape.replace("!T", "T").replace("(T)", "T").replace("T&&T", "T").replace("T||T", "T")
    return shape == "T"


def anonymous_device_id(target: Target) -> str:
    """Name a target that no device of ours has: the same target gets the same id, from which it can't be found."""
    return hash_identifier("anonymous", target.kind, target.value)
