"""Posting to endpoints: what arrives, what every way of not answering is called, and that nothing inside the network is ever connected to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from ipaddress import ip_address
from pathlib import Path

import pytest

from fanfare.adapters.system import SystemClock
from fanfare.adapters.webhook_connection import LARGEST_ANSWER, Refused, WebhookConnection
from fanfare.adapters.webhook_poster import HardenedWebhookPoster, look_up_addresses
from fanfare.domain import endpoint_address
from fanfare.domain.endpoint_address import Address
from fanfare.domain.endpoint_answer import NotPosted, Posted
from local.certificates import Certificates, write_certificates
from tests.contract.adapters.endpoint import OK, Endpoint
from tests.contract.adapters.scripted import Reply, ScriptedServer, SilentServer, unused_url

HEADERS = {"webhook-id": "event-1", "content-type": "application/json", "user-agent": "Fanfare/1"}
BODY = '{"type":"webhook.test","data":"Zürich 🎉"}'.encode()
QUICK = 0.5
LookUp = Callable[[str], Sequence[Address]]


def _answers(*hosts: str) -> LookUp:
    return lambda _host: tuple(map(ip_address, hosts))


def _poster(look_up: LookUp = look_up_addresses, *, local: bool = True, ca: str = "", timeout_seconds: float = 5.0) -> HardenedWebhookPoster:
    return HardenedWebhookPoster(SystemClock(), local=local, look_up=look_up, ca_bundle=ca, timeout_seconds=timeout_seconds)


def _post(endpoint: Endpoint, poster: HardenedWebhookPoster | None = None, host: str = "127.0.0.1") -> Posted | NotPosted:
    return (poster or _poster()).post(f"http://{host}:{endpoint.port}/hooks?a=%20b", HEADERS, BODY)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """A certificate for localhost, and its authority."""
    return write_certificates(Path(tmp_path_factory.mktemp("certificates")))


# What arrives


def test_body_and_headers_arrive_as_they_are() -> None:
    with Endpoint() as endpoint:
        assert _post(endpoint) == Posted(200)
        head, _, body = endpoint.requests[0].partition(b"\r\n\r\n")
    lines = head.decode("ascii").split("\r\n")
    named = {line.partition(":")[0].lower(): line.partition(": ")[2] for line in lines[1:]}
    assert (lines[0], body) == ("POST /hooks?a=%20b HTTP/1.1", BODY)
    assert named == {**HEADERS, "host": f"127.0.0.1:{endpoint.port}", "accept": "*/*", "content-length": str(len(BODY))}


def test_connection_is_used_again_and_no_cookie_is_kept() -> None:
    with Endpoint(b"HTTP/1.1 204 No Content\r\nSet-Cookie: a=b\r\n\r\n") as endpoint:
        poster = _poster()
        assert [_post(endpoint, poster) for _ in range(3)] == [Posted(204)] * 3
        assert endpoint.connections == 1
        assert not any(b"cookie" in request.lower() for request in endpoint.requests)


def test_connection_that_was_closed_meanwhile_is_opened_anew() -> None:
    with Endpoint(closes=True) as endpoint:
        poster = _poster()
        assert [_post(endpoint, poster) for _ in range(3)] == [Posted(200)] * 3
        assert endpoint.connections == 3


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"HTTP/1.1 500 Oh\r\nContent-Length: 2\r\n\r\nno", Posted(500)),
        (b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n", Posted(410)),
        (b"HTTP/1.1 429 Wait\r\nRetry-After: 120\r\nContent-Length: 0\r\n\r\n", Posted(429, 120)),
        (b"HTTP/1.1 503 Wait\r\nRetry-After: soon\r\nContent-Length: 0\r\n\r\n", Posted(503)),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", Posted(200)),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", Posted(200)),
        (b"SSH-2.0-OpenSSH_9.6\r\n\r\n", NotPosted("answer")),
        (b"\x00\x01\x02\x03" * 20, NotPosted("answer")),
        (b"", NotPosted("connection")),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nno", NotPosted("connection")),
        (b"HTTP/1.1 200 OK\r\n" + b"X-Filler: 12345678901234567890\r\n" * 20_000 + b"\r\n", NotPosted("answer")),
    ],
)
def test_every_answer_has_its_word(answer: bytes, expected: Posted | NotPosted) -> None:
    with Endpoint(answer, closes=True) as endpoint:
        assert _post(endpoint) == expected


def test_retry_after_may_be_a_date() -> None:
    with Endpoint(b"HTTP/1.1 503 Wait\r\nRetry-After: Fri, 31 Dec 2099 23:59:59 GMT\r\nContent-Length: 0\r\n\r\n", closes=True) as endpoint:
        answer = _post(endpoint)
    assert isinstance(answer, Posted)
    assert answer.retry_after_seconds is not None
    assert answer.retry_after_seconds > 10 * 3_600


# What never answers


def _drip(head: bytes) -> Callable[[threading.Event], Iterator[bytes]]:
    def pieces(over: threading.Event) -> Iterator[bytes]:
        yield head
        while not over.wait(0.05):
            yield b"x"

    return pieces


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\nX-Slow: ", b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n"])
def test_answer_that_drips_is_given_up_in_time(head: bytes) -> None:
    with Endpoint(_drip(head)) as endpoint:
        before = SystemClock().now()
        assert _post(endpoint, _poster(timeout_seconds=QUICK)) in (NotPosted("timeout"), NotPosted("answer"))
        assert (SystemClock().now() - before).total_seconds() < 10 * QUICK


def test_endless_answer_is_read_to_its_first_64_kib() -> None:
    sent: list[int] = []

    def pieces(over: threading.Event) -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\n\r\n"
        while not over.is_set():
            sent.append(65_536)
            yield b"x" * 65_536

    with Endpoint(pieces) as endpoint:
        assert _post(endpoint) == Posted(200)
    # What lies in the buffers of two sockets comes on top of what was read.
    assert sum(sent) < LARGEST_ANSWER + 16 * 1024 * 1024


def test_endpoint_that_keeps_silent_is_given_up_in_time() -> None:
    with SilentServer() as server:
        assert _poster(timeout_seconds=QUICK).post(f"http://{server.address}/", HEADERS, BODY) == NotPosted("timeout")


def test_look_up_that_hangs_is_given_up_in_time_and_delays_no_other() -> None:
    stuck = threading.Event()

    def look_up(host: str) -> Sequence[Address]:
        if host == "slow.example.com":
            stuck.wait(30)
        return (ip_address("127.0.0.1"),)

    with Endpoint() as endpoint:
        poster = _poster(look_up, timeout_seconds=QUICK)
        assert poster.post("https://slow.example.com/", HEADERS, BODY) == NotPosted("timeout")
        assert poster.check_url("https://slow.example.com/") == "names a host that could not be looked up in time"
        assert _post(endpoint, poster, "hooks.example.com") == Posted(200)
    stuck.set()


def test_endpoint_that_is_not_there_is_a_failed_connection() -> None:
    assert _poster().post(f"{unused_url()}/", HEADERS, BODY) == NotPosted("connection")
    assert _poster(_answers()).post("https://nowhere.example.com/", HEADERS, BODY) == NotPosted("connection")


# Nothing inside the network


def test_redirect_is_not_followed() -> None:
    with ScriptedServer() as inside, Endpoint(f"HTTP/1.1 307 Go\r\nLocation: {inside.url}/\r\nContent-Length: 0\r\n\r\n".encode()) as endpoint:
        assert _post(endpoint) == Posted(307)
        assert inside.asked == []


def test_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with ScriptedServer() as proxy, Endpoint() as endpoint:
        proxy.reply = lambda _asked: Reply(200)
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        assert _post(endpoint) == Posted(200)
        assert (proxy.asked, endpoint.connections) == ([], 1)


@pytest.mark.parametrize(
    "hosts",
    [
        ("127.0.0.1",),
        ("10.0.0.1",),
        ("169.254.169.254",),
        ("::1",),
        ("::ffff:10.0.0.1",),
        ("64:ff9b::7f00:1",),
        ("2002:7f00:1::",),
        ("fe80::1",),
        ("fd00::1",),
        ("100.64.0.1",),
        ("8.8.8.8", "127.0.0.1"),
        ("127.0.0.1", "8.8.8.8"),
    ],
)
def test_name_of_an_address_inside_is_no_endpoint_and_is_not_connected_to(hosts: tuple[str, ...]) -> None:
    with Endpoint() as inside:
        poster, url = _poster(_answers(*hosts), local=False), f"https://hooks.example.com:{inside.port}/"
        assert poster.check_url(url) == "must be at a public address"
        assert poster.post(url, HEADERS, BODY) == NotPosted("address")
        assert inside.connections == 0


def test_name_that_moves_inside_after_it_was_checked_is_not_connected_to() -> None:
    hosts = iter(["8.8.8.8", "127.0.0.1"])
    with Endpoint() as inside:
        poster, url = _poster(lambda _host: (ip_address(next(hosts)),), local=False), f"https://hooks.example.com:{inside.port}/"
        assert poster.check_url(url) is None
        assert poster.post(url, HEADERS, BODY) == NotPosted("address")
        assert inside.connections == 0


@pytest.mark.parametrize(
    "url", ["https://127.0.0.1:{}/", "http://127.0.0.1:{}/", "https://localhost:{}/", "https://[::ffff:127.0.0.1]:{}/", "https://2130706433:{}/"]
)
def test_loopback_is_never_connected_to_in_the_cloud(url: str) -> None:
    with Endpoint() as inside:
        poster = _poster(local=False)
        assert poster.check_url(url.format(inside.port)) is not None
        assert poster.post(url.format(inside.port), HEADERS, BODY) == NotPosted("address")
        assert inside.connections == 0


def test_nothing_but_what_was_checked_is_connected_to_even_if_libcurl_meant_to() -> None:
    with Endpoint() as inside:
        parsed = endpoint_address.parse_endpoint(f"http://127.0.0.1:{inside.port}/", local=True)
        assert isinstance(parsed, endpoint_address.Endpoint)
        with pytest.raises(Refused):
            WebhookConnection(SystemClock(), "").post(parsed, [ip_address("8.8.8.8")], HEADERS, BODY, timeout_seconds=5)
        assert inside.connections == 0


def test_name_means_what_was_looked_up_for_this_very_post() -> None:
    hosts = iter(["127.0.0.1", "127.0.0.2", "127.0.0.1"])
    with Endpoint(closes=True) as first, Endpoint(host="127.0.0.2", port=first.port, closes=True) as second:
        poster = _poster(lambda _host: (ip_address(next(hosts)),))
        assert [_post(first, poster, "hooks.example.com") for _ in range(3)] == [Posted(200)] * 3
        assert (len(first.requests), len(second.requests)) == (2, 1)
        assert b"Host: hooks.example.com:" in second.requests[0]


# TLS


def test_certificate_is_verified_by_the_name(certificates: Certificates) -> None:
    with Endpoint(OK, certificates=certificates) as endpoint:
        trusting = _poster(_answers("127.0.0.1"), ca=str(certificates.ca))
        assert trusting.post(f"https://localhost:{endpoint.port}/", HEADERS, BODY) == Posted(200)
        assert trusting.post(f"https://hooks.example.com:{endpoint.port}/", HEADERS, BODY) == NotPosted("tls")
        assert _poster().post(f"https://127.0.0.1:{endpoint.port}/", HEADERS, BODY) == NotPosted("tls")
        assert len(endpoint.requests) == 1


def test_endpoint_without_tls_is_told_apart_from_one_that_is_not_there() -> None:
    with ScriptedServer() as server:
        assert _poster().post(f"{server.url.replace('http', 'https')}/", HEADERS, BODY) == NotPosted("tls")


# Looking up


@pytest.mark.parametrize(("host", "found"), [("127.0.0.1", {"127.0.0.1"}), ("no-such-host.invalid", set()), ("a" * 64, set())])
def test_system_is_asked_for_every_address(host: str, found: set[str]) -> None:
    assert set(map(str, look_up_addresses(host))) == found


def test_local_endpoint_is_in_order() -> None:
    with Endpoint() as endpoint:
        assert _poster().check_url(f"http://127.0.0.1:{endpoint.port}/") is None
        assert _poster().check_url(f"http://localhost:{endpoint.port}/") is None
