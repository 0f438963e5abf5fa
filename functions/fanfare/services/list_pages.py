"""Lists: a page at a time, continued by a cursor that belongs to this very query."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from fanfare.domain.device import Device
from fanfare.domain.listing import DeviceFilter, Page, ProfileFilter, encode_cursor, parse_cursor, query_hash
from fanfare.domain.outcome import Result
from fanfare.domain.profile import Profile
from fanfare.ports import Deps
from fanfare.services.show_notification import list_deliveries

T = TypeVar("T")


def list_devices(deps: Deps, tenant: str, filters: DeviceFilter, limit: int, cursor: str | None) -> tuple[Sequence[Device], str | None]:
    """List devices; returns a page and the cursor of the next."""
    return _page(deps, query_hash(tenant, "devices", filters), cursor, lambda after: deps.devices.list(tenant, filters, limit, after))


def list_profiles(deps: Deps, tenant: str, filters: ProfileFilter, limit: int, cursor: str | None) -> tuple[Sequence[Profile], str | None]:
    """List profiles; returns a page and the cursor of the next."""
    return _page(deps, query_hash(tenant, "profiles", filters), cursor, lambda after: deps.profiles.list(tenant, filters, limit, after))


def page_of_deliveries(
    deps: Deps, tenant: str, notification_id: str, limit: int, cursor: str | None
) -> tuple[Sequence[tuple[str, Result]], str | None]:
    """List a notification's recipients with their outcomes; returns a page and the cursor of the next."""

    def read(after: str | None) -> Page[tuple[str, Result]]:
        deliveries = list_deliveries(deps, tenant, notification_id)
        start = int(after) if after else 0
        end = start + limit
        return Page(deliveries[start:end], str(end) if end < len(deliveries) else None)

    return _page(deps, query_hash(tenant, f"deliveries/{notification_id}", None), cursor, read)


def _page(deps: Deps, query: str, cursor: str | None, read: Callable[[str | None], Page[T]]) -> tuple[Sequence[T], str | None]:
    key = deps.cursor_keys.cursor_key()
    page = read(parse_cursor(key, query, cursor) if cursor is not None else None)
    return page.items, encode_cursor(key, query, page.next_after) if page.next_after is not None else None
