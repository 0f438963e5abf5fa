"""From where a call comes: never what the caller itself wrote, and ranges mean what they say."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fanfare.domain.callers import caller_address, is_in_ranges, parse_ranges
from fanfare.domain.errors import InvalidRequest

quick = settings(max_examples=80, deadline=None, database=None)
_addresses = st.ip_addresses().map(str)
PEER = "198.51.100.9"


@pytest.mark.parametrize(
    ("forwarded_for", "trusted_hops", "address"),
    [
        ("", 0, PEER),
        ("", 1, PEER),
        ("203.0.113.7", 0, PEER),
        ("203.0.113.7", 1, "203.0.113.7"),
        ("1.1.1.1, 203.0.113.7", 1, "203.0.113.7"),
        ("1.1.1.1, 203.0.113.7, 10.0.0.1", 2, "203.0.113.7"),
        ("1.1.1.1,203.0.113.7,10.0.0.1", 3, "1.1.1.1"),
        ("203.0.113.7", 2, PEER),
        (" , ,203.0.113.7 , ", 1, "203.0.113.7"),
        ("2001:DB8::0:7", 1, "2001:db8::7"),
        ("[2001:db8::7]", 1, "2001:db8::7"),
        ("127.0.0.1; drop table", 1, ""),
        ("unknown", 1, ""),
        ("203.0.113.7:4711", 1, ""),
    ],
)
def test_address_is_the_entry_that_the_outermost_trusted_proxy_wrote(forwarded_for: str, trusted_hops: int, address: str) -> None:
    assert caller_address(forwarded_for, PEER, trusted_hops) == address


@pytest.mark.parametrize("peer", ["", "unix:", "localhost"])
def test_peer_without_an_address_has_none(peer: str) -> None:
    assert caller_address("", peer, 0) == ""


@quick
@given(st.text(alphabet="0123456789.,:[] abcf", max_size=40), _addresses, st.lists(_addresses, max_size=2))
def test_whatever_the_caller_writes_changes_nothing(written: str, true: str, proxies: list[str]) -> None:
    forwarded_for = ", ".join([written, true, *proxies])
    assert caller_address(forwarded_for, PEER, len(proxies) + 1) == true


def test_ranges_are_written_in_one_form() -> None:
    given_ranges = ["203.0.113.7", "203.0.113.77/24", "2001:DB8:0::1/32", "0.0.0.0/0"]
    assert parse_ranges(given_ranges, "ip_allowlist") == ("203.0.113.7/32", "203.0.113.0/24", "2001:db8::/32", "0.0.0.0/0")
    assert parse_ranges(parse_ranges(given_ranges, "ip_allowlist"), "ip_allowlist") == parse_ranges(given_ranges, "ip_allowlist")
    assert parse_ranges([], "ip_allowlist") == ()


@pytest.mark.parametrize("bad", ["", "203.0.113.0/33", "203.0.113", "example.org", "2001:db8::/129", " 203.0.113.7", "203.0.113.7/24/8"])
def test_bad_range_is_refused_by_its_place(bad: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_ranges(["203.0.113.0/24", bad], "ip_allowlist")
    assert [error.field for error in caught.value.errors] == ["ip_allowlist.1"]


@pytest.mark.parametrize(
    ("address", "ranges", "inside"),
    [
        ("203.0.113.7", [], False),
        ("203.0.113.7", ["203.0.113.0/24"], True),
        ("203.0.114.7", ["203.0.113.0/24"], False),
        ("203.0.114.7", ["203.0.113.0/24", "203.0.114.7/32"], True),
        ("203.0.113.7", ["2001:db8::/32"], False),
        ("2001:db8::7", ["0.0.0.0/0"], False),
        ("2001:db8::7", ["2001:db8::/32"], True),
        ("2001:db9::7", ["2001:db8::/32"], False),
        ("::ffff:203.0.113.7", ["203.0.113.0/24"], True),
        ("::ffff:203.0.114.7", ["203.0.113.0/24"], False),
        ("", ["0.0.0.0/0", "::/0"], False),
        ("nonsense", ["0.0.0.0/0", "::/0"], False),
    ],
)
def test_address_is_inside_the_ranges_that_hold_it(address: str, ranges: list[str], *, inside: bool) -> None:
    assert is_in_ranges(address, ranges) is inside


@quick
@given(st.ip_addresses(v=4), st.integers(0, 32), st.ip_addresses(v=4))
def test_range_holds_the_addresses_that_share_its_first_bits(network: ipaddress.IPv4Address, length: int, address: ipaddress.IPv4Address) -> None:
    ranges = parse_ranges([f"{network}/{length}"], "ip_allowlist")
    assert is_in_ranges(str(address), ranges) is (int(network) >> 32 - length == int(address) >> 32 - length)
    assert is_in_ranges(str(network), ranges)
