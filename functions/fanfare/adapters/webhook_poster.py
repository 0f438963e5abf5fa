"""Posts to endpoints that strangers have named, over libcurl: what is looked up is checked, and what was checked is connected to.

| danger | what stands against it |
|---|---|
| a name of an address inside, now or a moment after it was checked | all are checked at each post; libcurl gets those, and asks before it opens any |
| a URL that two parsers read in two ways | libcurl gets the one that `endpoint_address.py` put together from what it had read |
| a redirect, a cookie, a proxy of the environment | none is followed, kept, used |
| an answer that drips or never ends | one limit for everything, the look-up included; 64 KiB of an answer are read |
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooSlow
from ipaddress import ip_address

from fanfare.adapters.webhook_connection import Refused, WebhookConnection
from fanfare.domain.endpoint_address import Address, Endpoint, NoEndpoint, check_addresses, parse_endpoint
from fanfare.domain.endpoint_answer import TIMED_OUT, TIMEOUT, NotPosted, Posted
from fanfare.ports import Clock

LookUp = Callable[[str], Sequence[Address]]
LOOK_UPS = 64
"""More than the threads of an instance: look-ups that hang go on for a while after nobody waits for them any more."""


def look_up_addresses(host: str) -> Sequence[Address]:
    """Find every address of a name, as the system does; none if it has none."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return ()
    return tuple(dict.fromkeys(ip_address(str(place[0]).partition("%")[0]) for *_, place in found))


class HardenedWebhookPoster:
    """One connection pool for each thread. `local` is the local stack, whose endpoints may be on this machine, by http as well.

    `ca_bundle` is empty for the certificate authorities that libcurl ships with; `timeout_seconds` is how long a post may take in all.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        local: bool = False,
        look_up: LookUp = look_up_addresses,
        ca_bundle: str = "",
        timeout_seconds: float = TIMEOUT.total_seconds(),
    ) -> None:
        self._clock = clock
        self._local = local
        self._look_up = look_up
        self._ca_bundle = ca_bundle
        self._timeout_seconds = timeout_seconds
        self._look_ups = ThreadPoolExecutor(LOOK_UPS, thread_name_prefix="look-up")
        self._own = threading.local()

    def check_url(self, url: str) -> str | None:
        """Say why a URL can't be an endpoint, in words for its field; None if it can. Its name is looked up."""
        endpoint = parse_endpoint(url, local=self._local)
        if isinstance(endpoint, NoEndpoint):
            return endpoint.reason
        try:
            addresses = self._addresses(endpoint)
        except TooSlow:
            return "names a host that could not be looked up in time"
        refusal = check_addresses(endpoint, addresses, local=self._local)
        return refusal.reason if refusal is not None else None

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Posted | NotPosted:
        """Post a body, within `TIMEOUT` in all; never follows a redirect."""
        endpoint, begun = parse_endpoint(url, local=self._local), self._clock.now()
        if isinstance(endpoint, NoEndpoint):
            return NotPosted("address")
        try:
            addresses = self._addresses(endpoint)
        except TooSlow:
            return NotPosted(TIMED_OUT)
        if not addresses:
            return NotPosted("connection")
        if check_addresses(endpoint, addresses, local=self._local) is not None:
            return NotPosted("address")
        # A clock that was set meanwhile must neither end a post at once nor let it go on.
        left = self._timeout_seconds - max(0.0, (self._clock.now() - begun).total_seconds())
        try:
            return self._connection().post(endpoint, addresses, headers, body, timeout_seconds=max(0.001, left))
        except Refused:
            return NotPosted("address")

    def _addresses(self, endpoint: Endpoint) -> Sequence[Address]:
        if endpoint.address is not None:
            return (endpoint.address,)
        return self._look_ups.submit(self._look_up, endpoint.host).result(timeout=self._timeout_seconds)

    def _connection(self) -> WebhookConnection:
        connection: WebhookConnection | None = getattr(self._own, "connection", None)
        if connection is None:
            connection = self._own.connection = WebhookConnection(self._clock, self._ca_bundle)
        return connection
