"""Lists of devices: what no index answers is looked at device by device, a bounded number of them a call."""

from __future__ import annotations

from dataclasses import replace

from fanfare.domain.address import Address, AddressKind
from fanfare.domain.device import Device
from fanfare.domain.device_search import DeviceSearch, indexed_filter, is_found, is_indexed
from fanfare.domain.listing import Page
from fanfare.ports import Deps

SCANNED_AT_ONCE = 200
MOST_SCANS = 5


def search_devices(deps: Deps, tenant: str, search: DeviceSearch, limit: int, after: str | None) -> Page[Device]:
    """A page of the devices that are wanted, in the order of their ids.

    A call looks at 1,000 devices at most. So a page may hold fewer than `limit`, even none, and still say where the next one begins.
    """
    wanted = _of_profile(deps, tenant, search)
    if wanted is None:
        return Page([], None)
    size = limit if is_indexed(wanted) else SCANNED_AT_ONCE
    now, filters, found = deps.clock.now(), indexed_filter(wanted), list[Device]()
    for _ in range(MOST_SCANS):
        page = deps.devices.list(tenant, filters, size, after)
        found += [device for device in page.items if is_found(wanted, device, now)]
        if len(found) >= limit:
            return Page(found[:limit], _rest(page, found, limit))
        after = page.next_after
        if after is None:
            break
    return Page(found, after)


def _of_profile(deps: Deps, tenant: str, search: DeviceSearch) -> DeviceSearch | None:
    """The search with its username's profile in the name's stead; None if that is nobody, or another profile than the one asked for too."""
    if search.username is None:
        return search
    address = Address(AddressKind.USERNAME, search.username)
    profile = deps.profiles.find(tenant, [address]).get(address)
    if profile is None or search.profile_id not in {None, profile.id}:
        return None
    return replace(search, username=None, profile_id=profile.id)


def _rest(page: Page[Device], found: list[Device], limit: int) -> str | None:
    """Where the next page begins when this one is full: after its last device, unless nothing was looked for behind it."""
    last = found[limit - 1].id
    return page.next_after if page.items[-1].id == last else last
