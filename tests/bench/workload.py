"""What every contestant sends: one order update to the same 500 devices. Standard library only: rivals have an environment of their own."""

from __future__ import annotations

import base64
import hashlib

PROJECT = "fanfare-bench"
CHUNK = 500
TITLE = "Your order is on its way"
BODY = "Order 1234 left our kitchen a minute ago and will reach you in about 25 minutes."
DATA = {"order_id": "1234", "kind": "order_update", "state": "on_the_way"}
DEEP_LINK = "app://orders/1234"
CHANNEL, SOUND = "orders", "default"
TTL_SECONDS = 3_600
BODY_BYTES = 700
"""The size of our own request bodies for this message, with a token and a receipt of the usual lengths."""
NAME = "projects/fanfare-bench/messages/0:1500415314455276%31bd1c9631bd1c96"


def device_id(number: int) -> str:
    """An id of the shape of ours."""
    return _text("device", number, 22)


def token(number: int) -> str:
    """A registration token of the shape of FCM's: 163 characters."""
    return f"{_text('install', number, 22)}:APA91b{_text('token', number, 134)}"


def receipt(number: int) -> str:
    """A text as long as a signed receipt."""
    return _text("receipt", number, 68)


def _text(kind: str, number: int, length: int) -> str:
    raw = b"".join(hashlib.sha256(f"{kind}-{number}-{part}".encode()).digest() for part in range(5))
    return base64.urlsafe_b64encode(raw).decode()[:length]
