"""Cursors: read by the query that they belong to, refused by every other and when a byte of them was changed."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import asdict
from itertools import combinations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fanfare.domain.errors import InvalidRequest
from fanfare.domain.filters import DeviceFilter, ProfileFilter
from fanfare.domain.identifiers import decode_base64url, encode_base64url
from fanfare.domain.listing import encode_cursor, parse_cursor, query_hash
from fanfare.domain.message import Platform

KEY = b"the deployment's cursor key"
QUERY = query_hash("acme", "devices", DeviceFilter())
_after = st.text(max_size=30)

QUERIES = [
    ("acme", "devices", DeviceFilter()),
    ("acme", "devices", DeviceFilter(profile_id="x")),
    ("acme", "devices", DeviceFilter(device_id="x")),
    ("acme", "devices", DeviceFilter(platform=Platform.IOS)),
    ("acme", "devices", DeviceFilter(platform=Platform.WEB)),
    ("acme", "devices", DeviceFilter(active=True)),
    ("acme", "devices", DeviceFilter(active=False)),
    ("acme", "devices", DeviceFilter(active=True, platform=Platform.IOS)),
    ("acme", "profiles", ProfileFilter()),
    ("acme", "profiles", ProfileFilter(username="x")),
    ("acme", "profiles", ProfileFilter(phone_number="x")),
    ("acme", "profiles", ProfileFilter(external_id="x")),
    ("acme", "profiles", ProfileFilter(username="x", external_id="y")),
    ("acme", "profiles", ProfileFilter(username="y", external_id="x")),
    ("other", "devices", DeviceFilter()),
    ("acmedevices", "", None),
]
HASHES = [query_hash(*query) for query in QUERIES]


def is_refused(cursor: str, *, key: bytes = KEY, query: str = QUERY) -> bool:
    """Whether a cursor is refused, which it may only be by its name."""
    named = []
    try:
        parse_cursor(key, query, cursor)
    except InvalidRequest as refused:
        named = [error.field for error in refused.errors]
    assert named in ([], ["cursor"])
    return named != []


@given(st.binary(), st.sampled_from(HASHES), _after)
def test_cursor_is_read_by_its_own_query(key: bytes, query: str, after: str) -> None:
    assert parse_cursor(key, query, encode_cursor(key, query, after)) == after


@given(st.binary(), st.sampled_from(HASHES), _after)
def test_cursor_is_a_proof_of_16_bytes_and_where_the_list_goes_on(key: bytes, query: str, after: str) -> None:
    proof = hmac.new(key, f"{query} {after}".encode(), hashlib.sha256).digest()[:16]
    assert decode_base64url(encode_cursor(key, query, after)) == proof + after.encode()


def test_filters_that_nobody_gave_filter_nothing() -> None:
    assert set(asdict(DeviceFilter()).values()) == {None}
    assert set(asdict(ProfileFilter()).values()) == {None, (), False}


@pytest.mark.parametrize("query", QUERIES)
def test_same_query_has_the_same_hash(query: tuple[str, str, DeviceFilter | ProfileFilter | None]) -> None:
    assert query_hash(*query) == query_hash(*query)


def test_no_two_queries_share_a_hash() -> None:
    assert len(set(HASHES)) == len(QUERIES)


def test_cursor_of_another_query_is_refused() -> None:
    for one, other in combinations(HASHES, 2):
        assert is_refused(encode_cursor(KEY, one, "device-1"), query=other)
        assert is_refused(encode_cursor(KEY, other, "device-1"), query=one)


def test_cursor_of_another_deployment_is_refused() -> None:
    assert is_refused(encode_cursor(b"another key", QUERY, "device-1"))


@given(_after, st.data())
def test_cursor_with_a_changed_byte_is_refused(after: str, data: st.DataObject) -> None:
    raw = bytearray(decode_base64url(encode_cursor(KEY, QUERY, after)))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    assert is_refused(encode_base64url(bytes(raw)))


@given(st.text(min_size=1, max_size=30), st.data())
def test_cursor_that_was_cut_or_lengthened_is_refused(after: str, data: st.DataObject) -> None:
    raw = decode_base64url(encode_cursor(KEY, QUERY, after))
    assert is_refused(encode_base64url(raw[: data.draw(st.integers(0, len(raw) - 1))]))
    assert is_refused(encode_base64url(raw + data.draw(st.binary(min_size=1, max_size=3))))


@example("\ud800")
@given(st.text(st.characters(exclude_categories=())) | st.binary(max_size=40).map(encode_base64url))
def test_any_other_text_is_refused(text: str) -> None:
    assert is_refused(text)


def test_signed_bytes_that_are_no_text_are_refused() -> None:
    after = b"\xff"
    mac = hmac.digest(KEY, QUERY.encode() + b" " + after, hashlib.sha256)[:16]
    assert is_refused(encode_base64url(mac + after))
