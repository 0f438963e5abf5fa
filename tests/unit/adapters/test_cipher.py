"""What is sealed opens with the tenant's key at its own place, and nowhere else."""

from __future__ import annotations

import os

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fanfare.adapters.cipher import NONCE_BYTES, FieldCipher, Undecipherable, seal, unseal
from tests.unit.adapters.keys import MemoryDataKeys

PLACE = "devices/device-1/target"


def _cipher(keys: MemoryDataKeys | None = None) -> FieldCipher:
    return FieldCipher(keys or MemoryDataKeys(), os.urandom)


@given(st.binary(max_size=200), st.text(max_size=30))
def test_what_is_sealed_opens_at_its_place(plaintext: bytes, place: str) -> None:
    assert _cipher().decrypt("acme", place, _cipher().encrypt("acme", place, plaintext)) == plaintext


@pytest.mark.parametrize(("tenant", "place"), [("globex", PLACE), ("acme", "devices/device-2/target"), ("acme", "devices/device-1/x"), ("acme", "")])
def test_what_is_moved_does_not_open(tenant: str, place: str) -> None:
    sealed = _cipher().encrypt("acme", PLACE, b"token")
    with pytest.raises(Undecipherable):
        _cipher().decrypt(tenant, place, sealed)


def test_a_place_is_bound_even_where_tenants_share_a_key() -> None:
    key, nonce = bytes(32), bytes(NONCE_BYTES)
    sealed = seal(key, nonce, b"token", "acme/place")
    assert unseal(key, sealed, "acme/place") == b"token"
    with pytest.raises(Undecipherable):
        unseal(key, sealed, "globex/place")


def test_every_changed_bit_is_noticed() -> None:
    sealed = _cipher().encrypt("acme", PLACE, b"token")
    for position in range(len(sealed)):
        for bit in (1, 0x80):
            broken = bytearray(sealed)
            broken[position] ^= bit
            with pytest.raises(Undecipherable):
                _cipher().decrypt("acme", PLACE, bytes(broken))


@given(st.binary(max_size=80))
@example(b"")
@example(b"\x01")
@example(b"\x01\xff")
@example(b"\x01\x00")
@example(b"\x01\x02\xff\xfe" + bytes(40))
def test_bytes_that_nobody_sealed_do_not_open(ciphertext: bytes) -> None:
    with pytest.raises(Undecipherable):
        _cipher().decrypt("acme", PLACE, ciphertext)


def test_equal_plaintexts_are_sealed_differently() -> None:
    assert len({_cipher().encrypt("acme", PLACE, b"token") for _ in range(50)}) == 50


def test_what_an_earlier_key_sealed_opens_after_a_rotation() -> None:
    keys = MemoryDataKeys()
    sealed = _cipher(keys).encrypt("acme", PLACE, b"token")
    keys.current_id = "key-2"
    assert _cipher(keys).decrypt("acme", PLACE, sealed) == b"token"
    assert b"key-2" in _cipher(keys).encrypt("acme", PLACE, b"token")
