"""Whether bytes have the form of an RSA private key (RFC 8017 A.1.2, in PKCS #8 by RFC 5208) of a size that is in use.

Only the form is looked at, and before any library loads the key: one that does first proves that the key's primes are primes, which takes minutes for
a number that somebody chose to be large, and a key's text need not be long for that.
"""

from __future__ import annotations

SMALLEST_BITS = 1_024
LARGEST_BITS = 4_096
_SEQUENCE, _INTEGER, _OCTETS = 0x30, 0x02, 0x04
_LONG_FORM = 0x80
_RSA_ENCRYPTION = bytes.fromhex("06092a864886f70d010101")
"""The object identifier rsaEncryption, 1.2.840.113549.1.1.1."""
_ALGORITHMS = frozenset({_RSA_ENCRYPTION, _RSA_ENCRYPTION + b"\x05\x00"})
_UNEVEN_BITS = 8
"""By so many bits may a prime be longer than half of the modulus; those that are made today are exactly half as long."""


def has_rsa_form(der: bytes, *, wrapped: bool) -> bool:
    """Tell whether DER is an RSA private key: by itself, or `wrapped` in PKCS #8. Whether it is a good one is not looked at."""
    try:
        modulus, _, _, *primes = _numbers(_unwrap(der) if wrapped else der)
    except ValueError:
        return False
    bits = modulus.bit_length()
    return SMALLEST_BITS <= bits <= LARGEST_BITS and all(prime.bit_length() <= bits // 2 + _UNEVEN_BITS for prime in primes)


def _unwrap(der: bytes) -> bytes:
    """The key in a PKCS #8 envelope; ValueError if it is none, or names another algorithm."""
    content, _ = _element(der, _SEQUENCE)
    _, content = _element(content, _INTEGER)
    algorithm, content = _element(content, _SEQUENCE)
    if algorithm not in _ALGORITHMS:
        raise ValueError("is a key of another kind")
    return _element(content, _OCTETS)[0]


def _numbers(der: bytes) -> list[int]:
    """The modulus, both exponents and both primes; ValueError if they are not all there."""
    content, _ = _element(der, _SEQUENCE)
    _, content = _element(content, _INTEGER)
    numbers = []
    for _ in range(5):
        number, content = _element(content, _INTEGER)
        numbers.append(int.from_bytes(number, "big"))
    return numbers


def _element(raw: bytes, tag: int) -> tuple[bytes, bytes]:
    """The content of the first element, and what follows it; ValueError if it is another one or is cut off."""
    if raw[:1] != bytes([tag]) or len(raw) < 2:
        raise ValueError("is another element")
    length, start = raw[1], 2
    if length >= _LONG_FORM:
        start += length - _LONG_FORM
        length = int.from_bytes(raw[2:start], "big")
    if len(raw) < start + length:
        raise ValueError("is cut off")
    return raw[start : start + length], raw[start + length :]
