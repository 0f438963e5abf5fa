"""The form of an RSA private key, and that one which a library would think about for minutes is refused by its form."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfare.domain.rsa_key import has_rsa_form
from tests.service_accounts import RSA, a_number, element, pkcs8, rsa_numbers

X25519 = bytes.fromhex("06032b656e")
OTHER_CURVE = bytes.fromhex("06072a8648ce3d0201") + RSA


@pytest.mark.parametrize("bits", [1_024, 2_048, 3_072, 4_096])
def test_key_of_a_size_that_is_in_use_has_the_form(bits: int) -> None:
    assert has_rsa_form(rsa_numbers(bits, bits // 2), wrapped=False)
    assert has_rsa_form(pkcs8(rsa_numbers(bits, bits // 2)), wrapped=True)


def test_parameters_of_the_algorithm_may_be_left_out() -> None:
    assert has_rsa_form(pkcs8(rsa_numbers(), RSA[:-2]), wrapped=True)


@pytest.mark.parametrize(("modulus", "prime"), [(1_016, 504), (4_104, 2_048), (8_192, 4_096), (16_384, 8_192)])
def test_key_of_another_size_is_none(modulus: int, prime: int) -> None:
    assert not has_rsa_form(rsa_numbers(modulus, prime), wrapped=False)


@pytest.mark.parametrize("prime", [1_040, 4_424, 9_688])
def test_prime_that_is_too_long_for_its_modulus_is_refused(prime: int) -> None:
    # OpenSSL proves for seconds, or minutes, that such a number is a prime, before it looks whether the numbers belong together.
    assert not has_rsa_form(pkcs8(rsa_numbers(2_048, prime)), wrapped=True)


@pytest.mark.parametrize("algorithm", [X25519, OTHER_CURVE, b"", RSA + b"\x00"])
def test_key_of_another_kind_is_refused_wherever_it_names_rsa(algorithm: bytes) -> None:
    assert not has_rsa_form(pkcs8(rsa_numbers(), algorithm), wrapped=True)


def test_key_is_taken_for_what_it_is_said_to_be_alone() -> None:
    assert not has_rsa_form(rsa_numbers(), wrapped=True)
    assert not has_rsa_form(pkcs8(rsa_numbers()), wrapped=False)


def test_key_without_its_primes_is_none() -> None:
    public = element(0x30, a_number(8) + a_number(2_048) + a_number(16))
    assert not has_rsa_form(public, wrapped=False)


def test_key_that_is_cut_off_anywhere_is_none() -> None:
    whole = pkcs8(rsa_numbers())
    assert not any(has_rsa_form(whole[:length], wrapped=True) for length in range(len(whole)))


@given(st.binary(max_size=300), st.booleans())
def test_no_bytes_raise(der: bytes, wrapped: bool) -> None:  # noqa: FBT001 - drawn
    assert not has_rsa_form(der, wrapped=wrapped)
