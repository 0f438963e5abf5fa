"""FCM HTTP v1 over libcurl: one multi handle and one HTTP/2 connection per thread, up to 100 messages in flight on it.

A message costs what libcurl costs (docs/performance.md): handles are reused, headers are built once per chunk, bodies are passed through as bytes.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO

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
_SELECT_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class FcmEndpoint:
    """Where FCM is; `ca_bundle` is empty for the certificate authorities that libcurl ships with."""

    url: str
    ca_bundle: str


@dataclass(slots=True)
class _Transfer:
    key: str
    received: BytesIO


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
        headers = [f"Authorization: Bearer {token}", "Content-Type: application/json"]
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
            lane = self._lanes.lane = _Lane(self._endpoint.ca_bundle)
        return lane


class _Lane:
    """A multi handle and its pool of easy handles, used by one thread."""

    def __init__(self, ca_bundle: str) -> None:
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_PIPELINING, pycurl.PIPE_MULTIPLEX)
        self._multi.setopt(pycurl.M_MAX_HOST_CONNECTIONS, CONNECTIONS)
        self._ca_bundle = ca_bundle
        self._idle: list[pycurl.Curl] = []
        self._busy: dict[pycurl.Curl, _Transfer] = {}

    def run(self, url: str, headers: list[str], bodies: Iterable[tuple[str, bytes]]) -> Iterator[Sequence[tuple[str, Answer]]]:
        waiting = iter(bodies)
        exhausted = False
        try:
            while True:
                exhausted = exhausted or self._fill(waiting, url, headers)
                if not self._busy:
                    return
                self._multi.perform()
                self._multi.select(_SELECT_SECONDS)
                self._multi.perform()
                yield self._finished()
        finally:
            self._abort()

    def _fill(self, waiting: Iterator[tuple[str, bytes]], url: str, headers: list[str]) -> bool:
        """Start messages until 100 are in flight; True once there are no more."""
        while len(self._busy) < STREAMS:
            item = next(waiting, None)
            if item is None:
                return True
            self._start(item, url, headers)
        return False

    def _start(self, item: tuple[str, bytes], url: str, headers: list[str]) -> None:
        key, body = item
        curl = self._idle.pop() if self._idle else self._new_handle()
        received = BytesIO()
        curl.setopt(pycurl.URL, url)
        curl.setopt(pycurl.HTTPHEADER, headers)
        curl.setopt(pycurl.POSTFIELDS, body)
        curl.setopt(pycurl.WRITEDATA, received)
        self._busy[curl] = _Transfer(key, received)
        self._multi.add_handle(curl)

    def _finished(self) -> list[tuple[str, Answer]]:
        answers = []
        while True:
            queued, succeeded, failed = self._multi.info_read()
            for curl in succeeded:
                transfer = self._release(curl)
                answers.append((transfer.key, _answer(curl, transfer.received.getvalue())))
            # Whether FCM accepted the message is unknown where the connection broke or the time ran out.
            answers.extend((self._release(curl).key, Answer(0)) for curl, _code, _message in failed)
            if not queued:
                return answers

    def _release(self, curl: pycurl.Curl) -> _Transfer:
        self._multi.remove_handle(curl)
        self._idle.append(curl)
        return self._busy.pop(curl)

    def _abort(self) -> None:
        """Take back what is in flight, when the consumer stops early: its answers would otherwise reach the next chunk."""
        for curl in list(self._busy):
            self._multi.remove_handle(curl)
            curl.close()
        self._busy.clear()

    def _new_handle(self) -> pycurl.Curl:
        curl = pycurl.Curl()
        curl.setopt(pycurl.NOSIGNAL, 1)
        curl.setopt(pycurl.POST, 1)
        curl.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_2TLS)
        curl.setopt(pycurl.PIPEWAIT, 1)
        curl.setopt(pycurl.TIMEOUT_MS, TIMEOUT_MS)
        curl.setopt(pycurl.CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS)
        if self._ca_bundle:
            curl.setopt(pycurl.CAINFO, self._ca_bundle)
        return curl


def _answer(curl: pycurl.Curl, body: bytes) -> Answer:
    status = curl.getinfo(pycurl.RESPONSE_CODE)
    # libcurl reads both forms of Retry-After, seconds and an HTTP date, and says how many seconds are left.
    return Answer(status, body) if status == 200 else Answer(status, body, curl.getinfo(pycurl.RETRY_AFTER))
