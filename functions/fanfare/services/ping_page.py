"""One page of pings: devices that are due get their next times and a ping, in one commit.

| what may happen | what comes of it |
|---|---|
| two calls read the same page | the guards let one of them store it; the other reads again and finds the next page, or nothing |
| a tick dies before its commit | nothing was stored: the next one finds the page |
| it dies after its commit | the notification is there, and the sweep sends it |
| a device changed meanwhile (a reply came in) | the page is read again, three times at most, then left to whoever was faster, or to the next minute |
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from fanfare.domain.chunk import ChunkKey
from fanfare.domain.keepalive import PING_TYPE
from fanfare.domain.notification import Notification
from fanfare.domain.ping_message import ping_of
from fanfare.domain.pings import MOST_PINGED, PingPage, plan_page
from fanfare.domain.tenant import Tenant, hold_reason
from fanfare.ports import Deps

TRIES = 3


@dataclass(frozen=True, slots=True)
class Pinged:
    """What a tick or a page did: how many tenants it looked after, how many of their devices it pinged, for how many it chose a time."""

    tenants: int = 0
    pinged: int = 0
    planned: int = 0


def ping_page(deps: Deps, tenant: Tenant, request_id: str) -> Pinged:
    """Ping the next page of a tenant; a task goes on where there is more. Unavailable if its devices can't be read or stored."""
    for _ in range(TRIES):
        now = deps.clock.now()
        page = _plan(deps, tenant, now)
        if not page.devices:
            return Pinged()
        ping = _notification(deps, tenant.id, page, request_id, now)
        if deps.keepalive.save(tenant.id, page.devices, ping, page.pinged):
            _nudge(deps, tenant.id, ping, page, request_id)
            return Pinged(1, len(page.pinged), len(page.devices))
    deps.log.info("page_contested", tenant=tenant.id)
    return Pinged()


def _plan(deps: Deps, tenant: Tenant, now: datetime) -> PingPage:
    """Plan what is due, and where that leaves room the devices that have no time yet. One more is read, to know whether there is another page."""
    most = MOST_PINGED + 1
    due = deps.keepalive.find_due(tenant.id, now, most)
    devices = [*due, *(deps.keepalive.find_new(tenant.id, most - len(due)) if len(due) < most else ())]
    chances = [deps.identifiers.jitter() for _ in devices]
    return plan_page(devices, tenant.settings.keepalive, now, chances, held=hold_reason(tenant) is not None)


def _notification(deps: Deps, tenant: str, page: PingPage, request_id: str, now: datetime) -> Notification | None:
    if not page.pinged:
        return None
    template = deps.templates.get(tenant, PING_TYPE)
    return ping_of(tenant, template, len(page.pinged), notification_id=deps.identifiers.new_id(), request_id=request_id, now=now)


def _nudge(deps: Deps, tenant: str, ping: Notification | None, page: PingPage, request_id: str) -> None:
    if ping is not None:
        # A direct send must never stand behind pings.
        deps.tasks.enqueue_send(ChunkKey(tenant, ping.id, 0), request_id, ping.planned_at)
    if page.has_more:
        deps.tasks.enqueue_keepalive(tenant, request_id)
