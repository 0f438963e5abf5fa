"""What may be an endpoint: every trick by which a URL means something inside our network is refused, with words for its field."""

from __future__ import annotations

import ipaddress
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfare.domain.endpoint_address import Endpoint, NoEndpoint, check_addresses, is_public, parse_endpoint
from fanfare.domain.webhook import LONGEST_URL

HTTPS, PUBLIC, USUAL, NAME = "must begin with https://", "must be at a public address", "must write an address in its usual form", "must name a host"
INTERNET, PORT = "must name a host on the internet", "must have port 443, or one from 1024 to 65535"
PLAIN = "must be plain ASCII without spaces and backslashes; an international name is written as xn--…"
REFUSED = {
    # No https.
    "": HTTPS,
    "hooks.example.com": HTTPS,
    "//hooks.example.com/": HTTPS,
    "http://hooks.example.com/": HTTPS,
    "http://8.8.8.8/": HTTPS,
    "ftp://hooks.example.com/": HTTPS,
    "gopher://hooks.example.com:6379/_SET": HTTPS,
    "file:///etc/passwd": HTTPS,
    "javascript:alert(1)": HTTPS,
    # Parts that mean nothing, or something else than they seem to.
    "https://user:password@hooks.example.com/": "must hold no user name and password",
    "https://hooks.example.com@127.0.0.1/": "must hold no user name and password",
    "https://@hooks.example.com/": "must hold no user name and password",
    "https://hooks.example.com/#part": "must have no fragment",
    "https://127.0.0.1#@hooks.example.com/": "must have no fragment",
    "https://hooks.example.com\\@127.0.0.1/": PLAIN,
    "https://hooks.example.com/a b": PLAIN,
    "https://hooks.example.com/\r\nHost: inside": PLAIN,
    "https://hooks.example.com/\x00": PLAIN,
    "https://hööks.example.com/": PLAIN,
    "https://①②⑦.⓪.⓪.①/": PLAIN,
    "https://hooks。example。com/": PLAIN,
    f"https://hooks.example.com/{'x' * LONGEST_URL}": f"must have at most {LONGEST_URL} characters",
    # Names.
    "https://": f"{NAME} by letters, digits and hyphens",
    "https:///path": f"{NAME} by letters, digits and hyphens",
    "https://?x": f"{NAME} by letters, digits and hyphens",
    "https://%31%32%37.0.0.1/": USUAL,
    "https://hooks%2eexample.com/": f"{NAME} by letters, digits and hyphens",
    "https://-hooks.example.com/": f"{NAME} by letters, digits and hyphens",
    "https://hooks-.example.com/": f"{NAME} by letters, digits and hyphens",
    "https://hooks..example.com/": f"{NAME} by letters, digits and hyphens",
    "https://hooks_1.example.com/": f"{NAME} by letters, digits and hyphens",
    f"https://{'a' * 64}.example.com/": f"{NAME} by letters, digits and hyphens",
    f"https://{'a.' * 127}com/": f"{NAME} by letters, digits and hyphens",
    "https://localhost/": INTERNET,
    "https://localhost./": INTERNET,
    "https://LOCALHOST/": INTERNET,
    "https://hooks.localhost/": INTERNET,
    "https://metadata/": INTERNET,
    "https://metadata.google.internal/computeMetadata/v1/": INTERNET,
    "https://metadata.google.internal./": INTERNET,
    "https://printer.local/": INTERNET,
    "https://router.home.arpa/": INTERNET,
    # Addresses in other forms than the usual one, all of which some parsers take for 127.0.0.1, 10.0.0.1 or 0.0.0.0.
    "https://2130706433/": USUAL,
    "https://0x7f000001/": USUAL,
    "https://0x7f.1/": USUAL,
    "https://0x7f.0x0.0x0.0x1/": USUAL,
    "https://0177.0.0.1/": USUAL,
    "https://127.1/": USUAL,
    "https://127.0.1/": USUAL,
    "https://0/": USUAL,
    "https://127.0.0.1.1/": USUAL,
    "https://127.0.0.256/": USUAL,
    "https://127.0.0.0x/": USUAL,
    "https://[::1/": "must name a host, and at most a port",
    "https://[fe80::1%25eth0]/": "must name a host, and at most a port",
    "https://[::1]x/": "must name a host, and at most a port",
    "https://::1/": "must name a host, and at most a port",
    "https://[127.0.0.1]/": USUAL,
    "https://[8.8.8.8]/": USUAL,
    "https://[1::2::3]/": USUAL,
    # Addresses that are not public.
    "https://127.0.0.1/": PUBLIC,
    "https://127.0.0.1./": PUBLIC,
    "https://127.255.255.254/": PUBLIC,
    "https://0.0.0.0/": PUBLIC,
    "https://10.0.0.1/": PUBLIC,
    "https://172.16.0.1/": PUBLIC,
    "https://192.168.1.1/": PUBLIC,
    "https://169.254.169.254/computeMetadata/v1/": PUBLIC,
    "https://100.64.0.1/": PUBLIC,
    "https://100.127.255.255/": PUBLIC,
    "https://192.0.0.192/": PUBLIC,
    "https://192.88.99.1/": PUBLIC,
    "https://198.18.0.1/": PUBLIC,
    "https://224.0.0.1/": PUBLIC,
    "https://255.255.255.255/": PUBLIC,
    "https://[::1]/": PUBLIC,
    "https://[::]/": PUBLIC,
    "https://[0:0:0:0:0:0:0:1]/": PUBLIC,
    "https://[::ffff:10.0.0.1]/": PUBLIC,
    "https://[::ffff:7f00:1]/": PUBLIC,
    "https://[::ffff:8.8.8.8]/": PUBLIC,
    "https://[::127.0.0.1]/": PUBLIC,
    "https://[64:ff9b::10.0.0.1]/": PUBLIC,
    "https://[64:ff9b:1::1]/": PUBLIC,
    "https://[2002:7f00:1::]/": PUBLIC,
    "https://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/": PUBLIC,
    "https://[2001:db8::1]/": PUBLIC,
    "https://[3fff::1]/": PUBLIC,
    "https://[5f00::1]/": PUBLIC,
    "https://[fe80::1]/": PUBLIC,
    "https://[fec0::1]/": PUBLIC,
    "https://[fc00::1]/": PUBLIC,
    "https://[fd00:ec2::254]/": PUBLIC,
    "https://[ff02::1]/": PUBLIC,
    "https://[100::1]/": PUBLIC,
    # Ports.
    "https://hooks.example.com:/": "must name a host, and at most a port",
    "https://hooks.example.com:443x/": "must name a host, and at most a port",
    "https://hooks.example.com:-1/": "must name a host, and at most a port",
    "https://hooks.example.com:443:443/": "must name a host, and at most a port",
    "https://hooks.example.com:0/": PORT,
    "https://hooks.example.com:22/": PORT,
    "https://hooks.example.com:25/": PORT,
    "https://hooks.example.com:80/": PORT,
    "https://hooks.example.com:1023/": PORT,
    "https://hooks.example.com:65536/": PORT,
}
TAKEN = {
    "https://hooks.example.com": "https://hooks.example.com:443/",
    "https://hooks.example.com/": "https://hooks.example.com:443/",
    "HTTPS://Hooks.Example.COM./Path?Query=%20": "https://hooks.example.com:443/Path?Query=%20",
    "https://hooks.example.com?x=//y@z": "https://hooks.example.com:443/?x=//y@z",
    "https://hooks.example.com:443/": "https://hooks.example.com:443/",
    "https://hooks.example.com:1024/": "https://hooks.example.com:1024/",
    "https://hooks.example.com:8443/": "https://hooks.example.com:8443/",
    "https://hooks.example.com:65535/": "https://hooks.example.com:65535/",
    "https://xn--hks-sna.example.com/": "https://xn--hks-sna.example.com:443/",
    "https://8.8.8.8/": "https://8.8.8.8:443/",
    "https://[2606:4700:4700::1111]:8443/": "https://[2606:4700:4700::1111]:8443/",
    "https://internal.example.com/": "https://internal.example.com:443/",
    "https://169.254.169.254.nip.example/": "https://169.254.169.254.nip.example:443/",
}
LOCAL_TAKEN = [
    "http://127.0.0.1:8080/hooks",
    "http://localhost:8080/hooks",
    "https://localhost:8443/",
    "http://[::1]:8080/",
    "https://127.0.0.1:8443/",
    "http://localhost/",
]
LOCAL_REFUSED = {
    "http://10.0.0.1:8080/": HTTPS,
    "https://10.0.0.1:8080/": PUBLIC,
    "http://8.8.8.8/": HTTPS,
    "https://169.254.169.254/": PUBLIC,
    "https://[::ffff:127.0.0.1]/": PUBLIC,
    "http://127.0.0.1:22/": PORT,
    "https://metadata.google.internal/": INTERNET,
    "ftp://127.0.0.1/": HTTPS,
}


@pytest.mark.parametrize(("url", "reason"), REFUSED.items())
def test_url_that_can_be_no_endpoint_is_refused_with_its_reason(url: str, reason: str) -> None:
    assert parse_endpoint(url) == NoEndpoint(reason)


@pytest.mark.parametrize(("url", "plain"), TAKEN.items())
def test_url_is_put_into_its_plainest_form(url: str, plain: str) -> None:
    endpoint = parse_endpoint(url)
    assert isinstance(endpoint, Endpoint)
    assert endpoint.url == plain


@pytest.mark.parametrize("url", LOCAL_TAKEN)
def test_loopback_is_an_endpoint_on_the_local_stack_alone(url: str) -> None:
    assert isinstance(parse_endpoint(url, local=True), Endpoint)
    assert isinstance(parse_endpoint(url), NoEndpoint)


@pytest.mark.parametrize(("url", "reason"), LOCAL_REFUSED.items())
def test_local_stack_reaches_nothing_else_inside_the_network(url: str, reason: str) -> None:
    assert parse_endpoint(url, local=True) == NoEndpoint(reason)


def _named(url: str = "https://hooks.example.com/") -> Endpoint:
    endpoint = parse_endpoint(url, local=True)
    assert isinstance(endpoint, Endpoint)
    return endpoint


@pytest.mark.parametrize(
    ("url", "addresses", "local", "reason"),
    [
        ("https://hooks.example.com/", ["8.8.8.8"], False, None),
        ("https://hooks.example.com/", ["8.8.8.8", "2606:4700:4700::1111"], False, None),
        ("https://hooks.example.com/", [], False, "names a host that has no address"),
        ("https://hooks.example.com/", ["127.0.0.1"], False, PUBLIC),
        ("https://hooks.example.com/", ["8.8.8.8", "10.0.0.1"], False, PUBLIC),
        ("https://hooks.example.com/", ["10.0.0.1", "8.8.8.8"], False, PUBLIC),
        ("https://hooks.example.com/", ["8.8.8.8", "::ffff:169.254.169.254"], False, PUBLIC),
        ("https://hooks.example.com/", ["127.0.0.1", "::1"], True, None),
        ("https://hooks.example.com/", ["127.0.0.1", "8.8.8.8"], True, PUBLIC),
        ("http://localhost:8080/", ["127.0.0.1"], True, None),
        ("http://localhost:8080/", ["8.8.8.8"], True, HTTPS),
    ],
)
def test_every_address_of_a_name_counts(url: str, addresses: list[str], local: bool, reason: str | None) -> None:  # noqa: FBT001 - a row of the table
    refusal = check_addresses(_named(url), map(ip_address, addresses), local=local)
    assert (refusal.reason if refusal else None) == reason


@given(st.ip_addresses())
def test_public_address_is_global_in_the_registry_too(address: IPv4Address | IPv6Address) -> None:
    if is_public(address):
        assert address.is_global
        assert not any((address.is_multicast, address.is_private, address.is_reserved, address.is_link_local, address.is_loopback))


@given(st.ip_addresses(v=4))
def test_address_of_ipv4_hidden_in_one_of_ipv6_is_never_public(address: IPv4Address) -> None:
    hidden = int(address)
    for shape in (0xFFFF << 32, 0, 0x0064FF9B << 96, 0x0064FF9B0001 << 80):
        assert not is_public(IPv6Address(shape | hidden))
    assert not is_public(IPv6Address(0x2002 << 112 | hidden << 80))


@given(st.text(max_size=60) | st.from_regex(r"https?://[a-z0-9.:@\[\]%#/\\-]{0,40}", fullmatch=True))
def test_any_text_is_read_or_refused_and_what_is_read_is_read_again_as_the_same(url: str) -> None:
    endpoint = parse_endpoint(url)
    if isinstance(endpoint, Endpoint):
        assert parse_endpoint(endpoint.url) == endpoint
        assert endpoint.scheme == "https"
        assert endpoint.address is None or ipaddress.ip_address(endpoint.host) == endpoint.address
