"""Requests to FCM over libcurl: one multi handle and one HTTP/2 connection per thread, up to 100 requests in flight on it.

A request costs what libcurl costs (docs/performance.md): handles are reused, headers are built once per run, bodies are passed through as bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Generic, TypeVar

import pycurl

from fanfare.domain.classification import Answer

T = TypeVar("T")
STREAMS = 100
"""FCM refuses more concurrent streams on a connection."""
CONNECTIONS = 8
"""Only reached where the server speaks HTTP/1.1; HTTP/2 multiplexes all streams over one."""
TIMEOUT_MS = 30_000
"""FCM asks for at least ten seconds (firebase.google.com/docs/cloud-messaging/scale-fcm)."""
CONNECT_TIMEOUT_MS = 10_000
_SELECT_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class FcmEndpoint:
    """Where FCM is; `ca_bundle` is empty for the certificate authorities that libcurl ships with, `timeout_ms` is how long an answer may take."""

    url: str
    ca_bundle: str
    timeout_ms: int = TIMEOUT_MS


class FcmLane(Generic[T]):
    """A multi handle and its pool of easy handles, used by one thread. A handle keeps the list that its answer's body is received into.

    `load` gives a handle what one request has of its own: a message's body, a subscription's method and path.
    """

    def __init__(self, endpoint: FcmEndpoint, load: Callable[[pycurl.Curl, T], object]) -> None:
        self._endpoint = endpoint
        self._load = load
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_PIPELINING, pycurl.PIPE_MULTIPLEX)
        self._multi.setopt(pycurl.M_MAX_HOST_CONNECTIONS, CONNECTIONS)
        self._address: tuple[str, list[str]] = ("", [])
        self._idle: list[pycurl.Curl] = []
        self._keys: dict[pycurl.Curl, str] = {}
        self._received: dict[pycurl.Curl, list[bytes]] = {}

    def run(self, url: str, headers: list[str], requests: Iterable[tuple[str, T]]) -> Iterator[Sequence[tuple[str, Answer]]]:
        """Send requests (key, what it has of its own) and yield (key, answer) in batches, as answers arrive, at least one a second."""
        self._direct(url, headers)
        waiting = iter(requests)
        try:
            while self._fill(waiting):
                self._multi.perform()
                answers = self._finished()
                if answers or self._wait():
                    yield answers
        finally:
            self._abort()

    def _direct(self, url: str, headers: list[str]) -> None:
        """Address the handles, all idle between two runs, only where the address has changed: most runs go where the last one went."""
        if (url, headers) != self._address:
            self._address = url, headers
            for curl in self._idle:
                self._set_address(curl)

    def _set_address(self, curl: pycurl.Curl) -> None:
        url, headers = self._address
        curl.setopt(pycurl.URL, url)
        curl.setopt(pycurl.HTTPHEADER, headers)

    def _fill(self, waiting: Iterator[tuple[str, T]]) -> int:
        """Start requests until 100 are in flight; returns how many are."""
        load = self._load
        for key, request in islice(waiting, STREAMS - len(self._keys)):
            curl = self._idle.pop() if self._idle else self._new_handle()
            load(curl, request)
            self._keys[curl] = key
            self._multi.add_handle(curl)
        return len(self._keys)

    def _wait(self) -> bool:
        """Wait for the network; True if nothing came.

        libcurl may have work that no socket tells of, such as answers that it has read and not yet handed out. Its timer says so, which `select`
        does not look at; and a timer may be missed, so no wait is long.
        """
        due_ms = self._multi.timeout()
        if due_ms == 0:
            return False
        return not self._multi.select(_SELECT_SECONDS if due_ms < 0 else min(_SELECT_SECONDS, due_ms / 1_000))

    def _finished(self) -> list[tuple[str, Answer]]:
        _, succeeded, failed = self._multi.info_read(STREAMS)
        answers = [self._release(curl, curl.getinfo(pycurl.RESPONSE_CODE)) for curl in succeeded]
        # Whether FCM performed the request is unknown where the connection broke or the time ran out.
        answers.extend(self._release(curl, 0) for curl, _code, _message in failed)
        return answers

    def _release(self, curl: pycurl.Curl, status: int) -> tuple[str, Answer]:
        received = self._received[curl]
        body = b"".join(received)
        received.clear()
        answer = Answer(status, body) if status == 200 else _unaccepted(curl, status, body)
        self._multi.remove_handle(curl)
        self._idle.append(curl)
        return self._keys.pop(curl), answer

    def _abort(self) -> None:
        """Take back what is in flight, when the consumer stops early: its answers would otherwise reach the next chunk."""
        for curl in self._keys:
            self._multi.remove_handle(curl)
            del self._received[curl]
            curl.close()
        self._keys.clear()

    def _new_handle(self) -> pycurl.Curl:
        curl = pycurl.Curl()
        received = self._received[curl] = []
        curl.setopt(pycurl.WRITEFUNCTION, received.append)
        curl.setopt(pycurl.NOSIGNAL, 1)
        curl.setopt(pycurl.POST, 1)
        # A target is any text without a slash: none may be taken for a step up the path.
        curl.setopt(pycurl.PATH_AS_IS, 1)
        curl.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_2TLS)
        curl.setopt(pycurl.PIPEWAIT, 1)
        curl.setopt(pycurl.TIMEOUT_MS, self._endpoint.timeout_ms)
        curl.setopt(pycurl.CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS)
        if self._endpoint.ca_bundle:
            curl.setopt(pycurl.CAINFO, self._endpoint.ca_bundle)
        self._set_address(curl)
        return curl


def _unaccepted(curl: pycurl.Curl, status: int, body: bytes) -> Answer:
    if not status:
        return Answer(0)
    # libcurl reads both forms of Retry-After, seconds and an HTTP date, and says how many seconds are left.
    return Answer(status, body, curl.getinfo(pycurl.RETRY_AFTER))


def json_headers(access_token: str) -> list[str]:
    """The headers of a request to FCM."""
    return [f"Authorization: Bearer {access_token}", "Content-Type: application/json", "Accept:", "User-Agent:"]
