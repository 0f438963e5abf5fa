"""Whether a message can be sent at all, decided before anything is stored. Its size is `payload.check_payload`'s."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, fields
from itertools import islice

from fanfare.domain.block_rules import free_form_errors, type_errors
from fanfare.domain.errors import FieldError, InvalidRequest
from fanfare.domain.fcm_blocks import BLOCKS, own_block
from fanfare.domain.field_rules import data_errors, field_errors
from fanfare.domain.json_rules import json_errors
from fanfare.domain.message import Message, Platform
from fanfare.domain.visibility import has_text, is_shown, is_shown_by_block

_MAX_ERRORS = 50
"""A body of 256 KiB can be wrong in thousands of places; nobody reads more than the first."""

_SHOWN_AT = {Platform.ANDROID: "android.notification", Platform.IOS: "apns.payload.aps", Platform.WEB: "webpush.notification"}


def check_message(message: Message) -> None:
    """Refuse what FCM, APNs or a push service would refuse later, or what cannot mean anything.

    Raises InvalidRequest with every wrong field by its dotted path, the first 50. Later checks run only on what the earlier
    ones let pass: text and nesting, then names and types, then meaning.
    """
    for stage in (_json_errors, _shape_errors, _meaning_errors):
        errors = tuple(islice(stage(message), _MAX_ERRORS))
        if errors:
            raise InvalidRequest.of(errors)


def _json_errors(message: Message) -> Iterator[FieldError]:
    for field in fields(message):
        value = getattr(message, field.name)
        yield from json_errors([asdict(action) for action in value] if field.name == "actions" else value, field.name)


def _shape_errors(message: Message) -> Iterator[FieldError]:
    yield from field_errors(message)
    for name in BLOCKS.values():
        yield from type_errors(getattr(message, name.key), name.schema, name.key)


def _meaning_errors(message: Message) -> Iterator[FieldError]:
    own = {platform: own_block(message, platform) for platform in Platform}
    yield from free_form_errors(own[Platform.IOS], own[Platform.WEB])
    for platform, block in own.items():
        yield from data_errors(block.get("data", {}), f"{BLOCKS[platform].key}.data", message)
    yield from _content_errors(message)
    if not is_shown(message, Platform.IOS):
        yield from _background_errors(message)


def _content_errors(message: Message) -> Iterator[FieldError]:
    shown_by_block = [platform for platform in Platform if is_shown_by_block(message, platform)]
    if message.silent:
        yield from (FieldError(_SHOWN_AT[platform], "shows something, but the message is silent") for platform in shown_by_block)
    elif not (has_text(message) or message.data or shown_by_block or _has_live_activity(message)):
        yield FieldError("title", "is missing: give a title, a body or data, or make the message silent")


def _has_live_activity(message: Message) -> bool:
    return "live_activity_token" in own_block(message, Platform.IOS)


def _background_errors(message: Message) -> Iterator[FieldError]:
    # FCM answers 400 for it: APNs delivers data-only messages at priority 5 alone.
    for name, value in own_block(message, Platform.IOS).get("headers", {}).items():
        if name.lower() == "apns-priority" and value != "5" and not _has_live_activity(message):
            yield FieldError(f"apns.headers.{name}", "must be 5, because the message shows nothing on iOS")
