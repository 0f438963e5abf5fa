"""The floor: libcurl's multi interface as plain as it gets. One constant body, handles set up once, the answer is thrown away."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

import pycurl

from tests.bench.workload import BODY, BODY_BYTES, PROJECT, TITLE, token

STREAMS = 100


def prepare(settings: Mapping[str, str]) -> Callable[[int], int]:
    """Set up one hundred handles on one multiplexed connection; returns what sends so many messages and counts the accepted."""
    multi = pycurl.CurlMulti()
    multi.setopt(pycurl.M_PIPELINING, pycurl.PIPE_MULTIPLEX)
    multi.setopt(pycurl.M_MAX_HOST_CONNECTIONS, 1)
    handles = [_handle(settings) for _ in range(STREAMS)]
    return lambda count: _send(multi, handles, count)


def _handle(settings: Mapping[str, str]) -> pycurl.Curl:
    curl = pycurl.Curl()
    curl.setopt(pycurl.NOSIGNAL, 1)
    curl.setopt(pycurl.URL, f"{settings['url']}/v1/projects/{PROJECT}/messages:send")
    curl.setopt(pycurl.CAINFO, settings["ca"])
    curl.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_2TLS)
    curl.setopt(pycurl.PIPEWAIT, 1)
    curl.setopt(pycurl.HTTPHEADER, [f"Authorization: Bearer {'t' * 200}", "Content-Type: application/json"])
    curl.setopt(pycurl.POSTFIELDS, _body())
    curl.setopt(pycurl.WRITEFUNCTION, len)
    return curl


def _body() -> bytes:
    """A message that any FCM accepts, as long as ours."""
    message = json.dumps({"message": {"token": token(0), "notification": {"title": TITLE, "body": BODY}}}).encode()
    return message.ljust(BODY_BYTES)


def _send(multi: pycurl.CurlMulti, handles: list[pycurl.Curl], count: int) -> int:
    accepted, to_start = 0, count
    idle = list(handles)
    while to_start or len(idle) < len(handles):
        while idle and to_start:
            multi.add_handle(idle.pop())
            to_start -= 1
        multi.perform()
        _, succeeded, failed = multi.info_read(STREAMS)
        if failed:
            raise RuntimeError(f"A transfer failed: {failed[0][2]}")
        for curl in succeeded:
            accepted += curl.getinfo(pycurl.RESPONSE_CODE) == 200
            multi.remove_handle(curl)
        idle += succeeded
        # `select` knows nothing of work that libcurl has put off: its own timer is due then.
        if not succeeded and multi.timeout():
            multi.select(0.1)
    return accepted
