"""What is asked: the routes by kind of request, and the bodies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

BASE = "/api/v1"
ROUTES = {
    "register": ("POST", "/devices"),
    "notify": ("POST", "/notify"),
    "bulk": ("POST", "/notify/bulk"),
    "status": ("GET", "/notifications/<id>/status"),
    "statuses": ("POST", "/notifications/status"),
    "deliveries": ("GET", "/notifications/<id>/deliveries"),
    "notifications": ("GET", "/notifications"),
    "devices": ("GET", "/devices"),
    "receipts": ("POST", "/receipts"),
}
"""Every kind of request that is measured: its method and its route below `BASE`, as docs/api.md lists it."""
CROWD_PATH = f"{BASE}/devices/bulk"
"""Registers those whom bulk sends reach, before anything is measured."""
MOST_A_CALL = 1_000
DEVICES_EACH = 2
"""So many devices has each person of the crowd."""
SIZES = (1_000, 2_500, 5_000, 10_000, 1_500)
"""How many devices one bulk send after the other reaches: an odd number of sizes, so that each comes in both forms."""


def path_of(kind: str, name: str = "") -> tuple[str, str]:
    """The method and the path of a request of this kind; `name` is the id in it."""
    method, route = ROUTES[kind]
    return method, BASE + route.replace("<id>", name)


def new_device(prefix: str, number: int) -> dict[str, Any]:
    """A device of the crowd to be registered."""
    return {"token": f"{prefix}{number}", "platform": "android", "username": person(prefix, number), "locale": "sw-TZ"}


def person(prefix: str, number: int) -> str:
    """Whose a device of the crowd is."""
    return f"{prefix}person-{number // DEVICES_EACH}"


def window(crowd: int, start: int, size: int) -> list[int]:
    """The numbers of `size` devices of the crowd that follow one another from `start` on, round and round; at most all of them, each once."""
    return [number % crowd for number in range(start, start + min(size, crowd))]


def own_messages(device_ids: Sequence[str]) -> dict[str, Any]:
    """A message of its own for each device."""
    return {
        "messages": [
            {"to": {"device_ids": [device_id]}, "title": f"Order {number}", "body": "It is on its way.", "ttl_seconds": 3_600}
            for number, device_id in enumerate(device_ids)
        ],
    }


def one_message(usernames: Sequence[str]) -> dict[str, Any]:
    """One message for everybody who is named, on all devices that they have."""
    return {"to": {"usernames": list(dict.fromkeys(usernames))}, "title": "We are open again", "body": "Come and see.", "priority": "high"}


def personal_message(username: str) -> dict[str, Any]:
    """A message for one person."""
    return {"to": {"usernames": [username]}, "title": "Your order", "body": "It is on its way.", "priority": "high"}


def reported(tokens: Sequence[str], event: str) -> dict[str, Any]:
    """What the apps of some devices report: "delivered" or "read"."""
    return {"receipts": [{"token": token, "event": event} for token in tokens]}
