"""Computed names: the same facts give the same one, other facts another."""

from __future__ import annotations

import hashlib
import string
from base64 import urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfare.domain.identifiers import decode_base64url, encode_base64url, hash_identifier, is_identifier

ALPHABET = frozenset(string.ascii_letters + string.digits + "-_")
_texts = st.text(st.characters(exclude_categories=()), max_size=8)
_parts = st.lists(_texts, max_size=4)


@given(st.binary(max_size=64))
def test_base64url_is_read_back_and_holds_only_safe_characters(raw: bytes) -> None:
    encoded = encode_base64url(raw)
    assert decode_base64url(encoded) == raw
    assert set(encoded) <= ALPHABET


@given(st.text(st.characters(exclude_categories=())))
def test_decoder_reads_any_text_or_raises_value_error(text: str) -> None:
    try:
        decode_base64url(text)
    except ValueError:
        return
    assert set(text) <= ALPHABET | set("+/=")


@pytest.mark.parametrize("text", ["A", "AAAAA", "AA A", "AA\n", "AA.A", "ÄÄÄÄ", "A===", "\ud800AAA"])
def test_what_is_no_base64url_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode_base64url(text)


@given(_parts)
def test_hash_is_the_documented_one(parts: list[str]) -> None:
    raw = [part.encode("utf-8", "surrogatepass") for part in parts]
    prefixed = b"".join(len(part).to_bytes(4, "big") + part for part in raw)
    assert hash_identifier(*parts) == urlsafe_b64encode(hashlib.sha256(prefixed).digest()[:16]).decode().rstrip("=")


@given(_parts, _parts)
def test_hashes_are_equal_only_for_equal_facts(left: list[str], right: list[str]) -> None:
    assert (hash_identifier(*left) == hash_identifier(*right)) == (left == right)


def test_half_a_surrogate_pair_is_hashed_and_not_a_crash() -> None:
    assert hash_identifier("\ud800") != hash_identifier("\ud801")


def test_hash_depends_on_where_one_part_ends() -> None:
    cuts = [("ab", "c"), ("a", "bc"), ("abc",), ("abc", ""), ("", "abc")]
    assert len({hash_identifier(*parts) for parts in cuts}) == len(cuts)


@given(_parts)
def test_hash_has_the_shape_of_an_identifier_within_24_characters(parts: list[str]) -> None:
    hashed = hash_identifier(*parts)
    assert is_identifier(hashed)
    assert len(hashed) == 22


@given(st.text(st.sampled_from(sorted(ALPHABET)) | st.sampled_from("._/ \n\x00ä=+"), max_size=70))
def test_identifier_is_1_to_64_characters_of_base64url(text: str) -> None:
    is_reserved = len(text) >= 4 and text.startswith("__") and text.endswith("__")
    assert is_identifier(text) == (1 <= len(text) <= 64 and set(text) <= ALPHABET and not is_reserved)


@pytest.mark.parametrize("text", ["", ".", "..", "a/b", "a\n", "\na", "a b", "é", "a" * 65, "____", "__a__", "__a__\n"])
def test_what_may_not_stand_in_a_path_is_no_identifier(text: str) -> None:
    assert not is_identifier(text)


@pytest.mark.parametrize("text", ["_", "__", "___", "__a", "a__", "_a_", "-", "a" * 64])
def test_underscores_on_one_side_are_nobodys_reserve(text: str) -> None:
    assert is_identifier(text)
