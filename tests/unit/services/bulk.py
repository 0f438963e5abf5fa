"""Requests to send to many, and what is stored of them."""

from __future__ import annotations

from typing import Any

from fanfare.domain.bulk import BulkRequest
from fanfare.domain.send_request import Addressees, SendRequest, message_of
from fanfare.ports import Deps
from tests.factories import TENANT_ID
from tests.unit.services.seeding import a_request, username


def to_users(*names: str) -> Addressees:
    return Addressees(addresses=tuple(username(name) for name in names))


def a_message(to: Addressees, **fields: Any) -> SendRequest:
    """A message of its own; `raw` is what it says."""
    raw = fields.pop("raw", {"title": "Yours"})
    names = tuple(address.value for address in to.addresses)
    return a_request(to, raw=raw, message=message_of(raw), usernames=names, **fields)


def messages(*items: SendRequest, **fields: Any) -> BulkRequest:
    """A message for each."""
    usual: dict[str, Any] = {"path": "messages", "size": len(items), "items": dict(enumerate(items)), "raw": {"messages": len(items)}}
    return BulkRequest(**{**usual, "request_hash": "hash-1", **fields})


def one_message(to: Addressees, **fields: Any) -> BulkRequest:
    """One message for all."""
    names = tuple(address.value for address in to.addresses)
    raw = {"title": "Order confirmed"}
    item = a_request(to, raw=raw, usernames=names, **fields.pop("item", {}))
    usual: dict[str, Any] = {"path": "to.usernames", "size": len(names), "items": {0: item}, "raw": raw, "separate": False}
    return BulkRequest(**{**usual, "request_hash": "hash-1", **fields})


def chunks_of(deps: Deps, notification_id: str) -> list[list[str]]:
    """The device ids that stand in each stored chunk."""
    return [[row.device_id for row in rows] for rows in deps.recipients.read_all(TENANT_ID, notification_id)]


def told(deps: Deps, notification_id: str) -> dict[str, Any]:
    """What each device is told that is told something of its own."""
    rows = [row for chunk in deps.recipients.read_all(TENANT_ID, notification_id) for row in chunk]
    return {row.device_id: row.content.own for row in rows if row.content is not None}
