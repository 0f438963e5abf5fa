"""From where a call comes: an address that the caller can't choose."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from fanfare.domain.errors import InvalidRequest

MOST_RANGES = 100


def caller_address(forwarded_for: str, peer: str, trusted_hops: int) -> str:
    """The caller's address: the entry of X-Forwarded-For that the outermost trusted proxy appended.

    Each trusted proxy appends the address it was called from, so with n of them the n-th entry from the right is true, and everything left of it
    is whatever the caller wrote. Without trusted proxies, or with fewer entries than proxies, it is the connection's peer. Unreadable: empty.
    """
    entries = [entry.strip() for entry in forwarded_for.split(",") if entry.strip()]
    chosen = entries[-trusted_hops] if 0 < trusted_hops <= len(entries) else peer
    try:
        return str(ipaddress.ip_address(chosen.removeprefix("[").removesuffix("]")))
    except ValueError:
        return ""


def parse_ranges(ranges: Iterable[str], field: str) -> tuple[str, ...]:
    """Check address ranges (CIDR, or single addresses) and write them in one form; `field` names them in an error."""
    parsed = []
    for index, text in enumerate(ranges):
        try:
            parsed.append(str(ipaddress.ip_network(text, strict=False)))
        except ValueError as error:
            raise InvalidRequest.at(f"{field}.{index}", "must be an address or a range such as 203.0.113.0/24") from error
    return tuple(parsed)


def is_in_ranges(address: str, ranges: Iterable[str]) -> bool:
    """Tell whether an address lies in one of the ranges. An IPv4 address that came in IPv6 form is looked at as IPv4."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    looked_at = mapped or parsed
    return any(looked_at in network for network in map(ipaddress.ip_network, ranges) if network.version == looked_at.version)
