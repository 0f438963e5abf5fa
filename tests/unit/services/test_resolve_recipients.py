from __future__ import annotations

import pytest

from fanfare.domain.address import Address, AddressKind
from fanfare.domain.device import InactiveReason
from fanfare.domain.errors import InvalidRequest
from fanfare.domain.message import Platform, TargetKind
from fanfare.domain.recipient import Recipient, anonymous_recipient
from fanfare.domain.segment import Segment
from fanfare.domain.send_request import Addressees, RawTarget, SendRequest
from fanfare.domain.target import Target, anonymous_device_id
from fanfare.ports import Deps
from fanfare.services.resolve_recipients import MOST_FILTERED, resolve_recipients
from tests.factories import TENANT_ID, a_token
from tests.fakes import fake_deps
from tests.unit.services.seeding import a_request, add_devices, add_profile, device_of, profile_id, username

INACTIVE = {"active": False, "inactive_reason": InactiveReason.UNREGISTERED}


@pytest.fixture
def deps() -> Deps:
    """Alice with an Android phone and an iPhone, Bob with a browser, a phone that both share, and one that is retired."""
    deps = fake_deps()
    alice, bob = add_profile(deps, "alice", username="alice", phone_number="+255712345678"), add_profile(deps, "bob", username="bob")
    add_devices(
        deps,
        device_of(alice, id="phone", locale="sw-TZ", tags=("beta",)),
        device_of(alice, id="iphone", platform=Platform.IOS),
        device_of(bob, id="browser", platform=Platform.WEB, tags=("beta",)),
        device_of(alice, bob, id="shared"),
        device_of(alice, id="retired", **INACTIVE),
    )
    return deps


def _resolve(deps: Deps, request: SendRequest) -> tuple[Recipient, ...]:
    return resolve_recipients(deps, TENANT_ID, request)


def _ids(deps: Deps, to: Addressees, only: Segment | None = None) -> list[str]:
    return sorted(row.device_id for row in _resolve(deps, a_request(to, only=only or Segment())))


@pytest.mark.parametrize(
    ("to", "expected"),
    [
        (Addressees(device_ids=("phone", "browser")), ["browser", "phone"]),
        (Addressees(device_ids=("phone", "nobody", "retired")), ["phone"]),
        (Addressees(addresses=(profile_id("alice"),)), ["iphone", "phone", "shared"]),
        (Addressees(addresses=(username("alice"),)), ["iphone", "phone", "shared"]),
        (Addressees(addresses=(Address(AddressKind.PHONE, "+255712345678"),)), ["iphone", "phone", "shared"]),
        (Addressees(addresses=(username("alice"), username("bob"), username("nobody"))), ["browser", "iphone", "phone", "shared"]),
        (Addressees(addresses=(username("nobody"),)), []),
    ],
)
def test_active_devices_of_the_addressees_are_reached(deps: Deps, to: Addressees, expected: list[str]) -> None:
    assert _ids(deps, to) == expected


@pytest.mark.parametrize(
    ("only", "expected"),
    [
        (Segment(platform=(Platform.IOS, Platform.WEB)), ["browser", "iphone"]),
        (Segment(tags=("beta",)), ["browser", "phone"]),
        (Segment(tags=("beta",), locale=("sw",)), ["phone"]),
        (Segment(tags=("nobody",)), []),
    ],
)
@pytest.mark.parametrize(
    "to",
    [
        Addressees(device_ids=("phone", "iphone", "browser", "shared")),
        Addressees(addresses=(username("alice"), username("bob"))),
    ],
    ids=["device_ids", "addresses"],
)
def test_only_narrows_every_kind(deps: Deps, to: Addressees, only: Segment, expected: list[str]) -> None:
    assert _ids(deps, to, only) == expected


def test_row_holds_what_a_send_needs(deps: Deps) -> None:
    rows = _resolve(deps, a_request(Addressees(device_ids=("phone",))))
    assert rows == (Recipient("phone", a_token("phone"), Platform.ANDROID, "sw-TZ", "alice"),)


def test_shared_device_is_reached_once_under_the_name_it_was_addressed_by(deps: Deps) -> None:
    to = Addressees(addresses=(username("bob"),))
    rows = _resolve(deps, a_request(to, usernames=("bob",)))
    assert {row.device_id: row.username for row in rows} == {"browser": "bob", "shared": "bob"}


def test_another_tenants_devices_are_not_reached(deps: Deps) -> None:
    to = Addressees(device_ids=("phone",))
    assert resolve_recipients(deps, "globex", a_request(to)) == ()


# Without devices of ours


@pytest.mark.parametrize("target", [Target(TargetKind.TOPIC, "news"), Target(TargetKind.CONDITION, "'a' in topics")])
def test_topic_and_condition_are_one_message(deps: Deps, target: Target) -> None:
    assert _resolve(deps, a_request(Addressees(fanned_out=target))) == (Recipient("", target, None),)


def test_raw_targets_are_reached_once_each_in_their_order(deps: Deps) -> None:
    raw = (RawTarget(a_token("b"), Platform.IOS), RawTarget(a_token("a"), Platform.WEB), RawTarget(a_token("b"), Platform.ANDROID))
    rows = _resolve(deps, a_request(Addressees(targets=raw)))
    assert rows == (anonymous_recipient(a_token("b"), Platform.IOS), anonymous_recipient(a_token("a"), Platform.WEB))
    assert [row.device_id for row in rows] == [anonymous_device_id(a_token("b")), anonymous_device_id(a_token("a"))]


def test_only_narrows_raw_targets_by_platform(deps: Deps) -> None:
    raw = (RawTarget(a_token("a"), Platform.IOS), RawTarget(a_token("b"), Platform.WEB))
    rows = _resolve(deps, a_request(Addressees(targets=raw), only=Segment(platform=(Platform.WEB,))))
    assert [row.target for row in rows] == [a_token("b")]


# Many


def _crowd(number: int, *, ios: int = 0) -> Deps:
    """One person with so many devices, of which `ios` are iPhones (the last ones)."""
    deps = fake_deps()
    person = add_profile(deps, "crowd", username="crowd")
    platforms = [Platform.ANDROID] * (number - ios) + [Platform.IOS] * ios
    add_devices(deps, *(device_of(person, id=f"d{index:05}", platform=platform) for index, platform in enumerate(platforms)))
    return deps


CROWD = Addressees(addresses=(username("crowd"),))


def test_five_hundred_are_reached_and_one_more_is_refused() -> None:
    assert len(_ids(_crowd(500), CROWD)) == 500
    with pytest.raises(InvalidRequest) as refused:
        _ids(_crowd(501), CROWD)
    assert [error.field for error in refused.value.errors] == ["to"]


def test_few_of_many_are_all_reached() -> None:
    expected = [f"d{index:05}" for index in range(996, 1_001)]
    assert _ids(_crowd(1_001, ios=5), CROWD, Segment(platform=(Platform.IOS,))) == expected


def test_more_devices_than_can_be_looked_at_are_refused_and_not_cut_off() -> None:
    deps, only = _crowd(MOST_FILTERED, ios=1), Segment(platform=(Platform.IOS,))
    assert len(_ids(deps, CROWD, only)) == 1
    person = deps.profiles.find(TENANT_ID, [username("crowd")])[username("crowd")]
    add_devices(deps, device_of(person, id="one-more"))
    with pytest.raises(InvalidRequest) as refused:
        _ids(deps, CROWD, only)
    assert [error.field for error in refused.value.errors] == ["to"]
