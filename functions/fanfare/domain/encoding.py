"""A rendering as the bytes of FCM's request, cut where target and receipt go: encoded once, spliced per recipient."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from json.encoder import encode_basestring_ascii
from typing import Any

from fanfare.domain.message import TargetKind


@dataclass(frozen=True, slots=True)
class EncodedMessage:
    """A request body without its target (after `head`) and its receipts (between the `parts`; a message that wants none is in one part)."""

    head: bytes
    parts: tuple[bytes, ...]

    @property
    def has_receipts(self) -> bool:
        """Whether anything is to be signed for it."""
        return len(self.parts) > 1

    def splice(self, target: str, receipt: str) -> bytes:
        """The request body for one recipient. Both values are escaped here, so that a condition's quotes are no special case."""
        quoted_target, quoted_receipt = encode_basestring_ascii(target), encode_basestring_ascii(receipt)
        return self.head + quoted_target.encode() + quoted_receipt.encode().join(self.parts)


def encode(rendering: Mapping[str, Any], *, kind: TargetKind, validate_only: bool = False, receipts: bool = True) -> EncodedMessage:
    """Encode what `rendering.render` made. `validate_only` asks FCM to check the message and deliver nothing.

    Every `data` object gets `fanfare_receipt`, unless the message wants none: FCM puts a block's data in the place of the message's own.
    """
    number, places = 0, 1 + (_receipts(rendering) if receipts else 0)
    encoded = _cut(rendering, kind, number, validate_only=validate_only, receipts=receipts)
    while len(encoded.parts) != places:
        # The caller's own text holds this marker; another number is as good.
        number += 1
        encoded = _cut(rendering, kind, number, validate_only=validate_only, receipts=receipts)
    return encoded


def _cut(rendering: Mapping[str, Any], kind: TargetKind, number: int, *, validate_only: bool, receipts: bool) -> EncodedMessage:
    marker = f"splice-{number}"
    request: dict[str, Any] = {"message": {kind.value: marker, **(_with_receipts(rendering, marker) if receipts else rendering)}}
    if validate_only:
        request["validate_only"] = True
    text = json.dumps(request, ensure_ascii=False, separators=(",", ":"))
    # A quote inside a text is escaped, so the marker with its quotes can only be a whole string.
    head, *parts = text.encode().split(f'"{marker}"'.encode())
    return EncodedMessage(head, tuple(parts))


def _with_receipts(rendering: Mapping[str, Any], receipt: str) -> dict[str, Any]:
    return {name: _with_receipt(name, value, receipt) for name, value in rendering.items()}


def _with_receipt(name: str, value: Mapping[str, Any], receipt: str) -> dict[str, Any]:
    if name == "data":
        return {**value, "fanfare_receipt": receipt}
    return {**value, "data": {**value["data"], "fanfare_receipt": receipt}} if "data" in value else dict(value)


def _receipts(rendering: Mapping[str, Any]) -> int:
    return sum(name == "data" or "data" in value for name, value in rendering.items())
