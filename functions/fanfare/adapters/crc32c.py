"""The checksum by which Cloud KMS and its callers tell bytes that changed on their way (CRC-32C, RFC 3720, appendix B.4)."""

from __future__ import annotations

_POLYNOMIAL = 0x82F63B78
_ALL = 0xFFFFFFFF


def crc32c(data: bytes) -> int:
    """The checksum of a few bytes: it works bit by bit, and takes a tenth of a millisecond for a key."""
    checksum = _ALL
    for byte in data:
        checksum ^= byte
        for _ in range(8):
            checksum = checksum >> 1 ^ (_POLYNOMIAL if checksum & 1 else 0)
    return checksum ^ _ALL
