from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from fanfare.domain.device_search import DeviceSearch
from fanfare.domain.errors import InvalidRequest, NotFound
from fanfare.domain.filters import ProfileFilter
from fanfare.domain.message import Platform
from fanfare.ports import Deps
from fanfare.services.list_pages import list_devices, list_profiles, page_of_deliveries
from tests.factories import TENANT_ID, a_device, a_notification, a_recipient
from tests.fakes import FixedCursorKeys, fake_deps
from tests.unit.services.seeding import add_devices, add_profile

_Page = tuple[Sequence[Any], str | None]
_List = Callable[[Deps, int, str | None], _Page]


def _devices(deps: Deps, limit: int, cursor: str | None) -> _Page:
    items, following = list_devices(deps, TENANT_ID, DeviceSearch(), limit, cursor)
    return [device.id for device in items], following


def _profiles(deps: Deps, limit: int, cursor: str | None) -> _Page:
    items, following = list_profiles(deps, TENANT_ID, ProfileFilter(), limit, cursor)
    return [profile.id for profile in items], following


def _deliveries(deps: Deps, limit: int, cursor: str | None) -> _Page:
    items, following = page_of_deliveries(deps, TENANT_ID, "notification-1", limit, cursor)
    return [device_id for device_id, _ in items], following


LISTS = pytest.mark.parametrize("read", [_devices, _profiles, _deliveries])


@pytest.fixture
def deps() -> Deps:
    """Five devices, five profiles and a notification to five devices, all named by the same letters."""
    deps = fake_deps()
    for tenant in (TENANT_ID, "globex"):
        add_devices(deps, *(a_device(id=name) for name in "abcde"), tenant=tenant)
        for name in "abcde":
            add_profile(deps, name, tenant=tenant)
    for notification_id in ("notification-1", "notification-2"):
        deps.notifications.accept(a_notification(id=notification_id), [a_recipient(device_id=name) for name in "abcde"])
    return deps


def _cursor(read: _List, deps: Deps) -> str:
    _, cursor = read(deps, 2, None)
    assert cursor is not None
    return cursor


@LISTS
@pytest.mark.parametrize(("limit", "pages"), [(2, ["ab", "cd", "e"]), (4, ["abcd", "e"]), (5, ["abcde"]), (200, ["abcde"])])
def test_pages_follow_each_other_to_the_end(deps: Deps, read: _List, limit: int, pages: list[str]) -> None:
    seen: list[str] = []
    cursor: str | None = None
    while not seen or cursor is not None:
        items, cursor = read(deps, limit, cursor)
        seen.append("".join(items))
    assert seen == pages


@LISTS
def test_cursor_is_read_the_same_way_twice(deps: Deps, read: _List) -> None:
    cursor = _cursor(read, deps)
    assert read(deps, 2, cursor) == read(deps, 2, cursor)


def _refusal(page: Callable[[], object]) -> list[str]:
    with pytest.raises(InvalidRequest) as refused:
        page()
    return [error.field for error in refused.value.errors]


@LISTS
@pytest.mark.parametrize("cursor", ["", "x", "AAAA", "é", "a" * 1_000, "../etc"])
def test_made_up_cursor_is_refused(deps: Deps, read: _List, cursor: str) -> None:
    assert _refusal(lambda: read(deps, 2, cursor)) == ["cursor"]


@LISTS
def test_cursor_that_was_changed_is_refused(deps: Deps, read: _List) -> None:
    cursor = _cursor(read, deps)
    flipped = cursor[:-1] + ("A" if cursor[-1] != "A" else "E")
    assert _refusal(lambda: read(deps, 2, flipped)) == ["cursor"]


@LISTS
def test_cursor_of_another_deployment_is_refused(deps: Deps, read: _List) -> None:
    cursor = _cursor(read, deps)
    others = fake_deps(
        devices=deps.devices, profiles=deps.profiles, notifications=deps.notifications, cursor_keys=FixedCursorKeys(b"another key" * 3)
    )
    assert _refusal(lambda: read(others, 2, cursor)) == ["cursor"]


def test_cursor_of_another_query_is_refused(deps: Deps) -> None:
    devices, deliveries = _cursor(_devices, deps), _cursor(_deliveries, deps)
    refused = [
        lambda: list_devices(deps, TENANT_ID, DeviceSearch(platform=Platform.ANDROID), 2, devices),
        lambda: list_devices(deps, "globex", DeviceSearch(), 2, devices),
        lambda: list_profiles(deps, TENANT_ID, ProfileFilter(), 2, devices),
        lambda: page_of_deliveries(deps, TENANT_ID, "notification-2", 2, deliveries),
    ]
    assert [_refusal(page) for page in refused] == [["cursor"]] * 4


def test_filters_are_passed_on(deps: Deps) -> None:
    add_devices(deps, a_device(id="iphone", platform=Platform.IOS))
    items, cursor = list_devices(deps, TENANT_ID, DeviceSearch(platform=Platform.IOS), 2, None)
    assert ([device.id for device in items], cursor) == (["iphone"], None)
    found, _ = list_profiles(deps, TENANT_ID, ProfileFilter(username="user-of-c"), 2, None)
    assert [profile.id for profile in found] == ["c"]


def test_deliveries_of_an_unknown_notification_are_not_found(deps: Deps) -> None:
    with pytest.raises(NotFound):
        page_of_deliveries(deps, TENANT_ID, "nobody's", 2, None)
