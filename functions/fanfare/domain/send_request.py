"""A request to send, as a caller makes it: to whom, which of them, and what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fanfare.domain.address import Address
from fanfare.domain.message import Action, Message, Platform, Priority
from fanfare.domain.segment import Segment
from fanfare.domain.target import Target
from fanfare.domain.template import Template
from fanfare.domain.variables import Variables

MOST_RECIPIENTS = 500


@dataclass(frozen=True, slots=True)
class RawTarget:
    """A target that the caller gives itself, with the platform whose form the message takes."""

    target: Target
    platform: Platform


@dataclass(frozen=True, slots=True)
class Addressees:
    """Exactly one kind of addressee is given. `fanned_out` is a topic or a condition, which FCM multiplies itself.

    `segment_id` names a saved segment, whose filter becomes the `segment` when the request is accepted.
    """

    device_ids: tuple[str, ...] = ()
    addresses: tuple[Address, ...] = ()
    targets: tuple[RawTarget, ...] = ()
    fanned_out: Target | None = None
    segment: Segment | None = None
    segment_id: str | None = None


@dataclass(frozen=True, slots=True)
class SendRequest:
    """One request to send. `raw` is what the caller said, without targets: it is stored and shown; `request_hash` is of all of it.

    `message` is what it says itself; a template adds what it does not say. `stand_in` words it where there is no template of that name.
    """

    to: Addressees
    only: Segment
    message: Message
    raw: Mapping[str, Any]
    request_hash: str
    validate_only: bool = False
    caller: str | None = None
    type: str | None = None
    usernames: tuple[str, ...] = field(default_factory=tuple)
    template: str | None = None
    variables: Variables = field(default_factory=dict)
    stand_in: Template | None = None


_PLAIN = ("title", "body", "ttl_seconds", "collapse_key", "group", "image_url", "deep_link", "channel", "sound", "badge")
_BLOCKS = ("android", "apns", "webpush", "data")


def message_of(raw: Mapping[str, Any]) -> Message:
    """Read the message out of a request that was checked before it was stored."""
    said: dict[str, Any] = {name: raw[name] for name in (*_PLAIN, *_BLOCKS) if raw.get(name) is not None}
    actions = tuple(Action(action["id"], action["title"]) for action in raw.get("actions") or ())
    priority, receipts = Priority(raw.get("priority") or Priority.NORMAL), raw.get("receipts") is not False
    return Message(**said, priority=priority, actions=actions, silent=bool(raw.get("silent")), receipts=receipts)
