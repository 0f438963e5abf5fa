"""FCM HTTP v1 over libcurl: one multi handle and one HTTP/2 connection per thread, up to 100 messages in flight on it.

A message costs what libcurl costs (docs/performance.md): handles are reused, headers are built once per chunk, bodies are passed through as bytes.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import pycurl

from fanfare.adapters.fcm_credentials import FcmCredentials
from fanfare.domain.classification import Answer
from fanfare.domain.errors import Unavailable
from fanfare.domain.tenant import Tenant

STREAMS = 100
"""FCM refuses more concurrent streams on a connection."""
CONNECTIONS = 8
"""Only reached where the server speaks HTTP/1.1; HTTP/2 multiplexes all streams over one."""
TIMEOUT_MS = 30_000
"""FCM asks for at least ten seconds (firebase.google.com/docs/cloud-messaging/scale-fcm)."""
CONNECT_TIMEOUT_MS = 10_000
PROBE_TIMEOUT_MS = 2_000
_SELECT_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class FcmEndpoint:
    """Where FCM is; `ca_bundle` is empty for the certificate authorities that libcurl ships with, `timeout_ms` is how long an answer may take."""

    url: str
    ca_bundle: str
    timeout_ms: int = TIMEOUT_MS


class FcmPushSender:
    """Sends messages of any tenant. Threads share credentials and nothing else."""

    def __init__(self, endpoint: FcmEndpoint, credentials: FcmCredentials) -> None:
        self._endpoint = endpoint
        self._credentials = credentials
        self._lanes = threading.local()

    def send(self, tenant: Tenant, bodies: Iterable[tuple[str, bytes]]) -> Iterator[Sequence[tuple[str, Answer]]]:
        """Post messages (key, JSON body) and yield (key, answer) in batches, in the order in which answers arrive, at least one a second.

        Raises Unavailable if no access token can be had now, CredentialRefused if Google refuses the tenant's credential.
        """
        token = self._credentials.access_token(tenant)
        url = f"{self._endpoint.url}/v1/projects/{tenant.firebase_project_id}/messages:send"
        headers = [f"Authorization: Bearer {token}", "Content-Type: application/json", "Accept:", "User-Agent:"]
        return self._lane().run(url, headers, bodies)

    def renew(self, tenant: Tenant) -> None:
        """Forget the tenant's access token: the next send gets a new one."""
        self._credentials.renew(tenant)

    def probe(self) -> None:
        """Connect to FCM and ask for nothing; Unavailable if it does not answer."""
        curl = pycurl.Curl()
        curl.setopt(pycurl.URL, self._endpoint.url)
        curl.setopt(pycurl.NOBODY, 1)
        curl.setopt(pycurl.NOSIGNAL, 1)
        curl.setopt(pycurl.TIMEOUT_MS, PROBE_TIMEOUT_MS)
        if self._endpoint.ca_bundle:
            curl.setopt(pycurl.CAINFO, self._endpoint.ca_bundle)
        try:
            curl.perform()
        except pycurl.error as error:
            raise Unavailable("FCM does not answer.") from error
        finally:
            curl.close()

    def _lane(self) -> _Lane:
        lane: _Lane | None = getattr(self._lanes, "lane", None)
        if lane is None:
            lane = self._lanes.lane = _Lane(self._endpoint)
        return lane


class _Lane:
    """A multi handle and its pool of easy handles, used by one thread. A handle keeps the list that its answer's body is received into."""

    def __init__(self, endpoint: FcmEndpoint) -> None:
        self._endpoint = endpoint
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_PIPELINING, pycurl.PIPE_MULTIPLEX)
        self._multi.setopt(pycurl.M_MAX_HOST_CONNECTIONS, CONNECTIONS)
        self._address: tuple[str, list[str]] = ("", [])
        self._idle: list[pycurl.Curl] = []
        self._keys: dict[pycurl.Curl, str] = {}
        self._received: dict[pycurl.Curl, list[bytes]] = {}

    def run(self, url: str, headers: list[str], bodies: Iterable[tuple[str, bytes]]) -> Iterator[Sequence[tuple[str, Answer]]]:
        self._direct(url, headers)
        waiting = iter(bodies)
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

    def _fill(self, waiting: Iterator[tuple[str, bytes]]) -> int:
        """Start messages until 100 are in flight; returns how many are."""
        for key, body in islice(waiting, STREAMS - len(self._keys)):
            curl = self._idle.pop() if self._idle else self._new_handle()
            curl.setopt(pycurl.POSTFIELDS, body)
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
        # Whether FCM accepted the message is unknown where the connection broke or the time ran out.
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
