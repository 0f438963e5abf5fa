"""The caller's android, apns and webpush blocks: FCM's names in one spelling, laid over what we derive."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from fanfare.domain.fcm_fields import FIELDS
from fanfare.domain.message import Message, Platform


@dataclass(frozen=True, slots=True)
class BlockName:
    """A platform's block: `key` in FCM's Message, `schema` in FCM's discovery document."""

    key: str
    schema: str


BLOCKS = {
    Platform.ANDROID: BlockName("android", "AndroidConfig"),
    Platform.IOS: BlockName("apns", "ApnsConfig"),
    Platform.WEB: BlockName("webpush", "WebpushConfig"),
}


@cache
def spellings(schema: str) -> dict[str, str]:
    """Both spellings FCM accepts of each field, lowerCamelCase and snake_case, to the snake_case one that firebase_admin sends."""
    names = FIELDS[schema]
    return {name: name for name in names} | {_lower_camel(name): name for name in names}


def _lower_camel(name: str) -> str:
    return re.sub(r"_([a-z])", lambda match: match[1].upper(), name)


def own_block(message: Message, platform: Platform) -> dict[str, Any]:
    """The caller's block for a platform in one spelling; empty where nothing was said."""
    block: Mapping[str, Any] = getattr(message, BLOCKS[platform].key)
    return in_one_spelling(block, BLOCKS[platform].schema)


def in_one_spelling(block: Mapping[str, Any], schema: str) -> dict[str, Any]:
    """Rename FCM's fields to snake_case and drop empty objects and lists, which say nothing in protobuf.

    Inside free-form objects (the APNs payload, the Web Notification) and maps nothing is touched. Total: what
    `message_rules.check_message` would refuse passes through unchanged.
    """
    names = spellings(schema)
    renamed = {names.get(key, key): value for key, value in block.items()}
    return compact({name: _in_one_spelling(value, FIELDS[schema].get(name, "")) for name, value in renamed.items()})


def _in_one_spelling(value: object, kind: str) -> object:
    if kind.startswith("message:") and isinstance(value, Mapping):
        return in_one_spelling(value, kind.removeprefix("message:"))
    return value


def spell_headers(block: dict[str, Any], known: Iterable[str]) -> dict[str, Any]:
    """The block with its header names as we write them: HTTP ignores their case, and a header must not stand there twice."""
    if "headers" not in block:
        return block
    names = {name.lower(): name for name in known}
    return block | {"headers": {names.get(name.lower(), name): value for name, value in block["headers"].items()}}


def compact(members: Mapping[str, Any]) -> dict[str, Any]:
    """Without the members that say nothing: null, an empty object, an empty list."""
    return {name: value for name, value in members.items() if value is not None and value not in ({}, [])}


def merge(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, Any]:
    """Lay `theirs` over `ours`: objects are merged member by member, anything else is replaced."""
    merged = dict(ours)
    for name, value in theirs.items():
        mine = merged.get(name)
        merged[name] = merge(mine, value) if isinstance(mine, dict) and isinstance(value, Mapping) else value
    return merged
