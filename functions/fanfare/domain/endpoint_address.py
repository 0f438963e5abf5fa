"""What may be an endpoint: strangers name it, and we connect to it from inside the cloud.

| part of the URL | what is taken |
|---|---|
| scheme | https; http on the local stack alone, to loopback |
| user and password, fragment | nothing: they would be sent, or lost, without anybody's meaning it |
| host | a full name of letters, digits and hyphens (an international one as `xn--…`), or an address in its usual form |
| port | 443, or one above 1023: what listens below speaks no HTTP |
| address | a public one; a name is refused if any of its addresses is not |

Addresses in unusual forms (2130706433, 0x7f.1, 0177.0.0.1, 127.1) are refused as such: parsers differ in what they take them for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from fanfare.domain.webhook import LONGEST_URL

Address = IPv4Address | IPv6Address
LOWEST_FREE_PORT = 1_024
DEFAULT_PORTS = {"https": 443, "http": 80}
LONGEST_NAME = 253
_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<authority>[^/?]*)(?P<target>.*)")
_AUTHORITY = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\[\]:]*)(?::(?P<port>[0-9]{1,5}))?")
_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_LOCAL_SUFFIXES = frozenset({"localhost", "local", "localdomain", "internal", "intranet", "lan", "private", "home.arpa"})
"""Names that mean something else inside every network; those of the cloud's own services among them."""

_NOT_PUBLIC_V4 = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",  # this network
            "10.0.0.0/8",  # private
            "100.64.0.0/10",  # shared by carriers
            "127.0.0.0/8",  # loopback
            "169.254.0.0/16",  # link-local, where clouds keep their metadata
            "172.16.0.0/12",  # private
            "192.0.0.0/24",  # protocol assignments
            "192.0.2.0/24",  # documentation
            "192.88.99.0/24",  # relays of 6to4
            "192.168.0.0/16",  # private
            "198.18.0.0/15",  # benchmarks
            "198.51.100.0/24",  # documentation
            "203.0.113.0/24",  # documentation
            "224.0.0.0/4",  # multicast
            "240.0.0.0/4",  # reserved, broadcast
        ),
    )
)
_GLOBAL_UNICAST = IPv6Network("2000::/3")
"""Everything else is no address of a host (loopback, link-local, unique local, multicast), or hides one of IPv4 (mapped, compatible, NAT64)."""
_NOT_PUBLIC_V6 = tuple(
    map(
        IPv6Network,
        (
            "2001::/23",  # protocol assignments: Teredo, ORCHID, benchmarks
            "2001:db8::/32",  # documentation
            "2002::/16",  # 6to4: hides an address of IPv4
            "3fff::/20",  # documentation
        ),
    )
)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A URL that may be posted to once its addresses are public. `address` is its host, where that is an address."""

    scheme: str
    host: str
    port: int
    target: str
    address: Address | None = None

    @property
    def url(self) -> str:
        """The URL in its plainest form: whoever parses it finds what we have found."""
        host = f"[{self.host}]" if isinstance(self.address, IPv6Address) else self.host
        return f"{self.scheme}://{host}:{self.port}{self.target}"


@dataclass(frozen=True, slots=True)
class NoEndpoint:
    """Why a URL is none, in words that go on after its field's name."""

    reason: str


def parse_endpoint(url: str, *, local: bool = False) -> Endpoint | NoEndpoint:
    """Read any text as an endpoint's URL; `local` is the local stack, which may also post to itself. Names are not looked up here."""
    split = _split(url)
    if isinstance(split, NoEndpoint):
        return split
    scheme, host, port, target = split
    if scheme not in DEFAULT_PORTS:
        return NoEndpoint("must begin with https://")
    named = _parse_host(host, local=local)
    if isinstance(named, NoEndpoint):
        return named
    endpoint = Endpoint(scheme, str(named), DEFAULT_PORTS[scheme] if port is None else port, target, None if isinstance(named, str) else named)
    return _refusal_of(endpoint, local=local) or endpoint


def check_addresses(endpoint: Endpoint, addresses: Iterable[Address], *, local: bool = False) -> NoEndpoint | None:
    """Say why an endpoint with these addresses must not be connected to; None if it may. Every one of them counts: which is taken is up to chance."""
    found = tuple(addresses)
    if not found:
        return NoEndpoint("names a host that has no address")
    if local and all(address.is_loopback for address in found):
        return None
    if endpoint.scheme != "https":
        return NoEndpoint("must begin with https://")
    return None if all(map(is_public, found)) else NoEndpoint("must be at a public address")


def is_public(address: Address) -> bool:
    """Tell whether an address is of a host on the internet: none of our own network's, none that stands for another one."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC_V4)
    return address in _GLOBAL_UNICAST and not any(address in network for network in _NOT_PUBLIC_V6)


def _split(url: str) -> tuple[str, str, int | None, str] | NoEndpoint:
    """Split a URL into scheme, host, port (None: none given) and the rest."""
    flaw = _flaw_of(url)
    if flaw is not None:
        return NoEndpoint(flaw)
    parts = _URL.fullmatch(url)
    if parts is None:
        return NoEndpoint("must begin with https://")
    if "@" in parts["authority"]:
        return NoEndpoint("must hold no user name and password")
    authority = _AUTHORITY.fullmatch(parts["authority"])
    if authority is None:
        return NoEndpoint("must name a host, and at most a port")
    target, port = parts["target"], authority["port"]
    return parts["scheme"].lower(), authority["host"], int(port) if port else None, target if target.startswith("/") else f"/{target}"


def _flaw_of(url: str) -> str | None:
    if len(url) > LONGEST_URL:
        return f"must have at most {LONGEST_URL} characters"
    if not all("!" <= letter <= "~" for letter in url) or "\\" in url:
        return "must be plain ASCII without spaces and backslashes; an international name is written as xn--…"
    return "must have no fragment" if "#" in url else None


def _parse_host(text: str, *, local: bool) -> str | Address | NoEndpoint:
    host = text.lower().removesuffix(".")
    if host.startswith("["):
        return _parse_address(host[1:-1], IPv6Address)
    labels = host.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        return _parse_address(host, IPv4Address)
    if len(host) > LONGEST_NAME or not all(_LABEL.fullmatch(label) for label in labels):
        return NoEndpoint("must name a host by letters, digits and hyphens")
    is_inside = len(labels) == 1 or any(host.endswith(f".{suffix}") for suffix in _LOCAL_SUFFIXES)
    return NoEndpoint("must name a host on the internet") if is_inside and not (local and host == "localhost") else host


def _parse_address(text: str, kind: type[Address]) -> Address | NoEndpoint:
    try:
        return kind(text)
    except ValueError:
        return NoEndpoint("must write an address in its usual form")


def _refusal_of(endpoint: Endpoint, *, local: bool) -> NoEndpoint | None:
    is_usual = endpoint.port == DEFAULT_PORTS[endpoint.scheme] or LOWEST_FREE_PORT <= endpoint.port <= 65_535
    if not is_usual:
        return NoEndpoint("must have port 443, or one from 1024 to 65535")
    if endpoint.scheme == "http" and not local:
        return NoEndpoint("must begin with https://")
    return check_addresses(endpoint, [endpoint.address], local=local) if endpoint.address is not None else None
