"""One thread's connections to endpoints: a libcurl handle that is used for one post after the other and keeps what connections can be used again."""

from __future__ import annotations

import socket
from collections.abc import Collection, Mapping, Sequence
from ipaddress import IPv6Address, ip_address
from typing import Any

import pycurl

from fanfare.domain.endpoint_address import Address, Endpoint
from fanfare.domain.endpoint_answer import TIMED_OUT, NotPosted, Posted
from fanfare.domain.retry_after import parse_retry_after
from fanfare.ports import Clock

LARGEST_ANSWER = 65_536
"""So much of an answer is read; nothing of it is kept."""
CONNECTIONS = 8
KEPT_SECONDS = 60
TOO_LARGE = 100
"""libcurl's number for headers that never end, which pycurl has no name for."""
_TLS_ERRORS = frozenset(
    {
        pycurl.E_SSL_CONNECT_ERROR,
        pycurl.E_SSL_CERTPROBLEM,
        pycurl.E_SSL_CIPHER,
        pycurl.E_PEER_FAILED_VERIFICATION,
        pycurl.E_SSL_CACERT_BADFILE,
        pycurl.E_SSL_ISSUER_ERROR,
    }
)
_NO_HTTP = frozenset({pycurl.E_FTP_WEIRD_SERVER_REPLY, pycurl.E_UNSUPPORTED_PROTOCOL, pycurl.E_BAD_CONTENT_ENCODING, TOO_LARGE})


class Refused(Exception):
    """libcurl was about to connect to an address that nobody has checked."""


class WebhookConnection:
    """Used by one thread. A connection is used again for the same name and port: its address was checked when it was opened."""

    def __init__(self, clock: Clock, ca_bundle: str) -> None:
        self._clock = clock
        self._retry_after = ""
        self._allowed: Collection[Address] = ()
        self._resolved = ""
        self._received = 0
        self._refused = False
        self._opened: list[socket.socket] = []
        self._curl = self._new_handle(ca_bundle)

    def post(
        self, endpoint: Endpoint, addresses: Sequence[Address], headers: Mapping[str, str], body: bytes, *, timeout_seconds: float
    ) -> Posted | NotPosted:
        """Post to one of these addresses, by the endpoint's name; Refused if anything else was about to be connected to."""
        curl, self._allowed, self._received, self._refused, self._retry_after = self._curl, frozenset(addresses), 0, False, ""
        curl.setopt(pycurl.URL, endpoint.url)
        self._resolve(endpoint, addresses)
        # Nothing that libcurl would say of itself, and no waiting for a "100 Continue".
        curl.setopt(pycurl.HTTPHEADER, [*(f"{name}: {value}" for name, value in headers.items()), "Expect:"])
        curl.setopt(pycurl.POSTFIELDS, body)
        curl.setopt(pycurl.TIMEOUT_MS, max(1, int(timeout_seconds * 1_000)))
        try:
            curl.perform()
        except pycurl.error as error:
            return self._failed(error.args[0])
        finally:
            # pycurl has duplicated them.
            while self._opened:
                self._opened.pop().close()
        return self._answer()

    def _failed(self, code: int) -> Posted | NotPosted:
        if self._refused:
            raise Refused
        if code == pycurl.E_WRITE_ERROR and self._received > LARGEST_ANSWER:
            return self._answer()
        if code == pycurl.E_OPERATION_TIMEDOUT:
            return NotPosted(TIMED_OUT)
        if code in _TLS_ERRORS:
            return NotPosted("tls")
        return NotPosted("answer" if code in _NO_HTTP else "connection")

    def _answer(self) -> Posted:
        # libcurl would read it too, but takes none for longer than six hours.
        return Posted(self._curl.getinfo(pycurl.RESPONSE_CODE), parse_retry_after(self._retry_after, self._clock.now()))

    def _resolve(self, endpoint: Endpoint, addresses: Sequence[Address]) -> None:
        """Tell libcurl what a name means, so that it looks nothing up; what the last one meant is forgotten."""
        name = "" if endpoint.address is not None else f"{endpoint.host}:{endpoint.port}"
        meant = ",".join(f"[{address}]" if isinstance(address, IPv6Address) else str(address) for address in addresses)
        self._curl.setopt(pycurl.RESOLVE, [*([f"-{self._resolved}"] if self._resolved else []), *([f"{name}:{meant}"] if name else [])])
        self._resolved = name

    def _new_handle(self, ca_bundle: str) -> pycurl.Curl:
        curl = pycurl.Curl()
        curl.setopt(pycurl.NOSIGNAL, 1)
        curl.setopt(pycurl.POST, 1)
        curl.setopt(pycurl.PATH_AS_IS, 1)
        curl.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)
        curl.setopt(pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS)
        curl.setopt(pycurl.FOLLOWLOCATION, 0)
        # An empty proxy is none, whatever the environment says.
        curl.setopt(pycurl.PROXY, "")
        curl.setopt(pycurl.SSL_VERIFYPEER, 1)
        curl.setopt(pycurl.SSL_VERIFYHOST, 2)
        curl.setopt(pycurl.MAXCONNECTS, CONNECTIONS)
        curl.setopt(pycurl.MAXAGE_CONN, KEPT_SECONDS)
        curl.setopt(pycurl.WRITEFUNCTION, self._receive)
        curl.setopt(pycurl.HEADERFUNCTION, self._read_header)
        curl.setopt(pycurl.OPENSOCKETFUNCTION, self._open)
        if ca_bundle:
            curl.setopt(pycurl.CAINFO, ca_bundle)
        return curl

    def _receive(self, piece: bytes) -> int:
        self._received += len(piece)
        return len(piece) if self._received <= LARGEST_ANSWER else 0

    def _read_header(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        if name.lower() == b"retry-after":
            self._retry_after = value.decode("latin-1")

    def _open(self, _purpose: int, place: Any) -> Any:  # noqa: ANN401 - pycurl has no types
        host = place.addr[0]
        address = ip_address(host.decode("ascii") if isinstance(host, bytes) else host)
        if address not in self._allowed:
            self._refused = True
            return pycurl.SOCKET_BAD
        opened = socket.socket(place.family, place.socktype, place.protocol)
        self._opened.append(opened)
        return opened
