"""Which host names are ours, and which pages may call."""

from __future__ import annotations

import pytest

from fanfare.domain.edge import EdgeRules, is_allowed_host, is_origin, is_origin_of


@pytest.mark.parametrize("host", ["", "api.example.com", "evil.example"])
def test_every_host_is_ours_where_none_is_named(host: str) -> None:
    assert is_allowed_host(EdgeRules(), host)


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("api.example.com", True),
        ("API.example.com:8080", True),
        ("[::1]:8080", True),
        ("[::1]", True),
        ("evil.example", False),
        ("evil.example:api.example.com", False),
        ("api.example.com.evil.example", False),
        ("", False),
    ],
)
def test_named_hosts_alone_are_ours_whatever_the_port(host: str, *, allowed: bool) -> None:
    assert is_allowed_host(EdgeRules(allowed_hosts=("api.example.com", "[::1]")), host) is allowed


GOOD = ["https://app.example.com", "https://app.example.com:8443", "https://localhost", "http://localhost:5000", "http://127.0.0.1", "https://a-b.c"]
BAD = [
    "",
    "*",
    "null",
    "app.example.com",
    "http://app.example.com",
    "https://",
    "https://.example.com",
    "https://-a.example",
    "https://app.example.com/",
    "https://app.example.com/x",
    "https://app.example.com:",
    "https://app.example.com:123456",
    "https://user@app.example.com",
    "https://APP.example.com",
    "https://app.example.com\n",
    "https://app.example.com https://b.example",
    "https://*.example.com",
    "http://localhost.evil.example",
    "file://",
    f"https://{'a' * 254}",
]


@pytest.mark.parametrize(("text", "good"), [*((text, True) for text in GOOD), *((text, False) for text in BAD)])
def test_origin_is_known_by_its_form(text: str, *, good: bool) -> None:
    assert is_origin(text) is good


@pytest.mark.parametrize("text", BAD)
def test_what_is_no_origin_is_allowed_nothing_even_if_it_is_listed(text: str) -> None:
    assert not is_origin_of(EdgeRules(cors_origins=(text,)), text, (text,))


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [("https://console.example", True), ("https://app.example", True), ("https://evil.example", False), ("https://app.example:1", False)],
)
def test_page_is_allowed_by_the_deployment_or_by_the_tenant(origin: str, *, allowed: bool) -> None:
    assert is_origin_of(EdgeRules(cors_origins=("https://console.example",)), origin, ("https://app.example",)) is allowed
