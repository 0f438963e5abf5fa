"""Checks of the message's platform-neutral fields."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from fanfare.domain.errors import FieldError
from fanfare.domain.fcm_forms import COLLAPSE_ID
from fanfare.domain.lifetime import MAX_TTL_SECONDS
from fanfare.domain.message import Message

MAX_ACTIONS = 5
"""More than any platform draws: Chrome shows 2, Android 3, iOS 4."""

MAX_BADGE = 2**31 - 1
"""FCM's notification_count is an int32."""

_NOT_EMPTY = ("group", "image_url", "deep_link", "channel", "sound")
_IMAGE_URL = re.compile(r"(?i:https?)://[^\s/?#]\S*")
_RESERVED = frozenset({"from", "gcm", "message_type"})
_RESERVED_PREFIXES = ("google", "gcm.notification.", "fanfare_")


def field_errors(message: Message) -> Iterator[FieldError]:
    """Everything wrong with the neutral fields, each by itself."""
    yield from _range_errors("ttl_seconds", message.ttl_seconds, MAX_TTL_SECONDS)
    yield from _range_errors("badge", message.badge, MAX_BADGE)
    yield from (FieldError(name, "must not be empty") for name in _NOT_EMPTY if getattr(message, name) == "")
    yield from _text_errors(message)
    yield from _action_errors(message)
    yield from data_errors(message.data, "data", message)


def _range_errors(field: str, value: int | None, largest: int) -> Iterator[FieldError]:
    if value is not None and not 0 <= value <= largest:
        yield FieldError(field, f"must be from 0 to {largest}")


def _text_errors(message: Message) -> Iterator[FieldError]:
    is_collapse_id, sentence = COLLAPSE_ID
    if message.collapse_key is not None and not is_collapse_id(message.collapse_key):
        yield FieldError("collapse_key", sentence)
    if message.image_url and not _IMAGE_URL.fullmatch(message.image_url):
        yield FieldError("image_url", "must be an http or https URL")
    if message.deep_link and (not message.deep_link.isprintable() or " " in message.deep_link):
        yield FieldError("deep_link", "must hold no white space and no control characters")


def _action_errors(message: Message) -> Iterator[FieldError]:
    if len(message.actions) > MAX_ACTIONS:
        yield FieldError("actions", f"must be at most {MAX_ACTIONS}")
    seen: set[str] = set()
    for index, action in enumerate(message.actions):
        if not action.id or action.id in seen:
            yield FieldError(f"actions.{index}.id", "must not be empty, and no two may be the same")
        if not action.title:
            yield FieldError(f"actions.{index}.title", "must not be empty")
        seen.add(action.id)


def data_errors(data: Mapping[str, str], path: str, message: Message) -> Iterator[FieldError]:
    """Keys that FCM or Fanfare keep for themselves, and those that a neutral field of this message already fills."""
    derived = {key for key, given in (("actions", message.actions), ("deep_link", message.deep_link)) if given}
    for key in data:
        if key in _RESERVED or key.startswith(_RESERVED_PREFIXES):
            yield FieldError(f"{path}.{key}", "is reserved")
        elif key in derived:
            yield FieldError(f"{path}.{key}", f"is filled from the message's {key}; give only one of them")
