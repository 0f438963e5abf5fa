from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from fanfare.domain.device import Device
from fanfare.domain.device_search import DeviceSearch
from fanfare.domain.filters import DeviceFilter
from fanfare.domain.listing import Page
from fanfare.domain.versions import parse_version_range
from fanfare.ports import Deps
from fanfare.services.search_devices import MOST_SCANS, SCANNED_AT_ONCE, search_devices
from tests.factories import TENANT_ID, a_device
from tests.fakes import MemoryDeviceStore, fake_deps
from tests.unit.services.seeding import add_devices, add_profile, device_of

NEW = parse_version_range(">=3", "app_version")


class _CountingStore(MemoryDeviceStore):
    """`looked_at` counts the devices that lists returned."""

    looked_at = 0

    def list(self, tenant: str, filters: DeviceFilter, limit: int, after: str | None) -> Page[Device]:
        page = super().list(tenant, filters, limit, after)
        self.looked_at += len(page.items)
        return page


def _deps(count: int, **fields: Any) -> tuple[Deps, _CountingStore]:
    """Devices 0000, 0001, … of which every tenth has version 3."""
    devices = _CountingStore()
    deps = fake_deps(devices=devices)
    add_devices(deps, *(a_device(id=f"{number:04}", app_version="3" if number % 10 == 0 else "2", **fields) for number in range(count)))
    return deps, devices


def _pages(deps: Deps, search: DeviceSearch, limit: int) -> list[Sequence[str]]:
    pages: list[Sequence[str]] = []
    after: str | None = None
    while not pages or after is not None:
        page = search_devices(deps, TENANT_ID, search, limit, after)
        pages.append([device.id for device in page.items])
        after = page.next_after
    return pages


@pytest.mark.parametrize("limit", [1, 3, 10, 199, 200])
@pytest.mark.parametrize("count", [0, 1, 11, 450])
def test_pages_together_are_every_device_that_is_wanted_once(count: int, limit: int) -> None:
    deps, _ = _deps(count)
    pages = _pages(deps, DeviceSearch(app_version=NEW), limit)
    assert [device_id for page in pages for device_id in page] == [f"{number:04}" for number in range(0, count, 10)]
    assert all(len(page) <= limit for page in pages)


def test_indexed_search_reads_no_more_than_it_shows() -> None:
    deps, devices = _deps(50)
    assert len(search_devices(deps, TENANT_ID, DeviceSearch(active=True), 7, None).items) == 7
    assert devices.looked_at == 7


def test_request_looks_at_a_bounded_number_and_says_where_to_go_on() -> None:
    most = SCANNED_AT_ONCE * MOST_SCANS
    deps, devices = _deps(most + 50)
    nothing = DeviceSearch(app_version=parse_version_range(">9", "app_version"))
    page = search_devices(deps, TENANT_ID, nothing, 10, None)
    assert (list(page.items), page.next_after, devices.looked_at) == ([], f"{most - 1:04}", most)
    assert search_devices(deps, TENANT_ID, nothing, 10, page.next_after).next_after is None


def test_list_is_stable_while_rows_are_inserted() -> None:
    deps, _ = _deps(60)
    first = search_devices(deps, TENANT_ID, DeviceSearch(app_version=NEW), 3, None)
    add_devices(deps, a_device(id="0005a", app_version="3"), a_device(id="0035a", app_version="3"))
    second = search_devices(deps, TENANT_ID, DeviceSearch(app_version=NEW), 10, first.next_after)
    assert [device.id for device in (*first.items, *second.items)] == ["0000", "0010", "0020", "0030", "0035a", "0040", "0050"]


# By username


def _two_people() -> Deps:
    deps = fake_deps()
    p1, p2 = add_profile(deps, "p1"), add_profile(deps, "p2")
    add_devices(deps, device_of(p1, id="a"), device_of(p2, id="b"), device_of(p1, p2, id="c"))
    return deps


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ({"username": "user-of-p1"}, ["a", "c"]),
        ({"username": "user-of-p1", "profile_id": "p1"}, ["a", "c"]),
        ({"username": "user-of-p1", "profile_id": "p2"}, []),
        ({"username": "nobody"}, []),
    ],
)
def test_username_means_its_profiles_devices(search: dict[str, str], expected: list[str]) -> None:
    assert _pages(_two_people(), DeviceSearch(**search), 10) == [expected]
