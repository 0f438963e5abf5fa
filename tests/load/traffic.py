"""What is asked: the routes by kind of request, and the bodies.

Messages are addressed to devices: in the Firestore emulator a query by username takes longer the more devices a tenant has, so that among ten
thousand the emulator would be measured (docs/performance.md, "Load").
"""

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
SIZES = (1_000, 2_500, 5_000, 10_000, 1_500)
"""How many devices one bulk send after the other reaches: an odd number of sizes, so that each comes in both forms."""


def path_of(kind: str, name: str = "") -> tuple[str, str]:
    """The method and the path of a request of this kind; `name` is the id in it."""
    method, route = ROUTES[kind]
    return method, BASE + route.replace("<id>", name)


def new_device(prefix: str, number: int) -> dict[str, Any]:
    """A device to be registered; every other one is its person's second."""
    return {"token": f"{prefix}{number}", "platform": "android", "username": f"{prefix}person-{number // 2}", "locale": "sw-TZ"}


def own_messages(device_ids: Sequence[str]) -> dict[str, Any]:
    """A message of its own for each device."""
    return {
        "messages": [
            {"to": {"device_ids": [device_id]}, "title": f"Order {number}", "body": "It is on its way.", "ttl_seconds": 3_600}
            for number, device_id in enumerate(device_ids)
        ],
    }


def one_message(device_ids: Sequence[str]) -> dict[str, Any]:
    """The same message for all of these devices."""
    return {"to": {"device_ids": list(device_ids)}, "title": "We are open again", "body": "Come and see.", "priority": "high"}


def reported(tokens: Sequence[str], event: str) -> dict[str, Any]:
    """What the apps of some devices report: "delivered" or "read"."""
    return {"receipts": [{"token": token, "event": event} for token in tokens]}
