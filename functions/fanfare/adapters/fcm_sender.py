"""FCM HTTP v1: messages, each a POST to one address, so that a message is to its handle nothing but a body."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence

import pycurl

from fanfare.adapters.fcm_credentials import FcmCredentials
from fanfare.adapters.fcm_lane import FcmEndpoint, FcmLane, json_headers
from fanfare.domain.classification import Answer
from fanfare.domain.errors import Unavailable
from fanfare.domain.tenant import Tenant

PROBE_TIMEOUT_MS = 2_000


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
        return self._lane().run(url, json_headers(token), bodies)

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

    def _lane(self) -> FcmLane[bytes]:
        lane: FcmLane[bytes] | None = getattr(self._lanes, "lane", None)
        if lane is None:
            lane = self._lanes.lane = FcmLane(self._endpoint, _set_body)
        return lane


def _set_body(curl: pycurl.Curl, body: bytes) -> None:
    curl.setopt(pycurl.POSTFIELDS, body)
