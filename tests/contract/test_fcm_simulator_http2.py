"""The FCM simulator over HTTP/2 and TLS, by libcurl as our sender uses it."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Iterator
from contextlib import closing
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

import pycurl
import pytest
import requests

from local.fcm.process import RunningSimulator, running_simulator

SEND = "/v1/projects/demo/messages:send"
LONGEST_SECONDS = 20


class Curl:
    """One HTTP/2 request after another on a handle of its own."""

    def __init__(self, simulator: RunningSimulator) -> None:
        self.handle = pycurl.Curl()
        self._simulator = simulator
        self._body = BytesIO()
        self.handle.setopt(pycurl.CAINFO, str(simulator.ca))
        self.handle.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_2TLS)
        self.handle.setopt(pycurl.PIPEWAIT, 1)
        self.handle.setopt(pycurl.TIMEOUT, LONGEST_SECONDS)
        self.handle.setopt(pycurl.HTTPHEADER, ["Authorization: Bearer secret", "Content-Type: application/json"])

    def prepare(self, body: object, path: str = SEND) -> pycurl.Curl:
        self._body = BytesIO()
        self.handle.setopt(pycurl.URL, self._simulator.url + path)
        self.handle.setopt(pycurl.WRITEFUNCTION, self._body.write)
        if body is not None:
            self.handle.setopt(pycurl.POSTFIELDS, json.dumps(body))
        return self.handle

    def send(self, target: str = "t", **fields: Any) -> int:
        self.prepare({"message": {"token": target, **fields}}).perform()
        assert self.handle.getinfo(pycurl.INFO_HTTP_VERSION) == pycurl.CURL_HTTP_VERSION_2_0
        return self.status

    @property
    def status(self) -> int:
        return int(self.handle.getinfo(pycurl.RESPONSE_CODE))

    @property
    def text(self) -> str:
        return self._body.getvalue().decode()

    def close(self) -> None:
        self.handle.close()


class Admin:
    """The simulator's own routes."""

    def __init__(self, simulator: RunningSimulator) -> None:
        self._url = f"{simulator.admin_url}/_sim/"

    def ask(self, method: str, path: str, body: object = None) -> Any:
        with requests.Session() as session:
            session.trust_env = False
            answer = session.request(method, self._url + path, json=body, timeout=10)
            answer.raise_for_status()
            return answer.json() if answer.content else None

    def fault(self, **answer: Any) -> None:
        self.ask("POST", "faults", {"times": 1, "answer": answer})

    def record(self, target: str = "t") -> Any:
        [record] = self.ask("GET", f"targets?prefix={target}")["targets"]
        return record


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSimulator]:
    with running_simulator(tmp_path_factory.mktemp("fcm")) as running:
        yield running


@pytest.fixture
def admin(simulator: RunningSimulator) -> Admin:
    admin = Admin(simulator)
    admin.ask("DELETE", "faults")
    admin.ask("DELETE", "messages")
    return admin


@pytest.fixture
def curl(simulator: RunningSimulator) -> Iterator[Curl]:
    with closing(Curl(simulator)) as curl:
        yield curl


def opened(admin: Admin) -> int:
    return int(admin.ask("GET", "stats")["connections"]["h2"]["total"])


def perform_all(multi: pycurl.CurlMulti, handles: list[pycurl.Curl], until: int = 0) -> None:
    """Drive the transfers until no more than `until` are running; each transfer's own timeout bounds this."""
    running = len(handles)
    while running > until:
        _, running = multi.perform()
        multi.select(0.1)


def test_message_is_accepted_over_http_2(curl: Curl, admin: Admin) -> None:
    assert curl.send(data={"k": "v"}) == 200
    [kept] = admin.ask("GET", "messages")["messages"]
    assert kept["name"] == json.loads(curl.text)["name"]
    assert kept["http_version"] == "2"


def test_hundred_and_more_requests_share_one_connection_of_a_hundred_streams(simulator: RunningSimulator, admin: Admin) -> None:
    before = opened(admin)
    admin.ask("POST", "faults", {"answer": {"delay_seconds": 0.2}})
    with closing(pycurl.CurlMulti()) as multi:
        multi.setopt(pycurl.M_PIPELINING, pycurl.PIPE_MULTIPLEX)
        multi.setopt(pycurl.M_MAX_HOST_CONNECTIONS, 1)
        curls = [Curl(simulator) for _ in range(150)]
        handles = [curl.prepare({"message": {"fid": f"f-{n}"}}) for n, curl in enumerate(curls)]
        for handle in handles:
            multi.add_handle(handle)
        perform_all(multi, handles)
        assert {curl.status for curl in curls} == {200}
        assert len({json.loads(curl.text)["name"] for curl in curls}) == 150
        for curl in curls:
            multi.remove_handle(curl.handle)
            curl.close()
    stats = admin.ask("GET", "stats")
    assert (stats["accepted"], stats["max_concurrent_streams"]) == (150, 100)
    assert opened(admin) == before + 1


def test_large_answer_keeps_to_the_flow_control_window(curl: Curl, admin: Admin) -> None:
    for n in range(40):
        assert curl.send(f"large-{n}", data={"k": "x" * 4000}) == 200
    curl.handle.setopt(pycurl.HTTPGET, 1)
    curl.handle.setopt(pycurl.MAX_RECV_SPEED_LARGE, 2_000_000)
    curl.prepare(None, "/_sim/messages").perform()
    assert len(json.loads(curl.text)["messages"]) == 40
    assert len(curl.text) > 160_000


def test_body_over_a_mebibyte_is_refused_and_the_connection_stays(curl: Curl, admin: Admin) -> None:
    assert curl.send(data={"k": "x" * (2 << 20)}) == 413
    before = opened(admin)
    assert curl.send() == 200
    assert opened(admin) == before


ERRORS = {
    "UNREGISTERED": (404, "UNREGISTERED"),
    "INVALID_ARGUMENT_TOKEN": (400, "INVALID_ARGUMENT"),
    "INVALID_ARGUMENT_PAYLOAD": (400, "INVALID_ARGUMENT"),
    "SENDER_ID_MISMATCH": (403, "SENDER_ID_MISMATCH"),
    "PERMISSION_DENIED": (403, None),
    "THIRD_PARTY_AUTH_ERROR": (401, "THIRD_PARTY_AUTH_ERROR"),
    "UNAUTHENTICATED": (401, None),
    "QUOTA_EXCEEDED_MESSAGE_RATE": (429, "QUOTA_EXCEEDED"),
    "QUOTA_EXCEEDED_DEVICE_RATE": (429, "QUOTA_EXCEEDED"),
    "QUOTA_EXCEEDED_TOPIC_RATE": (429, "QUOTA_EXCEEDED"),
    "RATE_LIMIT_EXCEEDED": (429, None),
    "INTERNAL": (500, "INTERNAL"),
    "UNAVAILABLE": (503, "UNAVAILABLE"),
    "GATEWAY_TIMEOUT": (504, None),
    "NOT_FOUND_NO_FCM_ERROR": (404, None),
}


@pytest.mark.parametrize("name", ERRORS)
def test_named_error_is_answered_once_and_nothing_accepted(curl: Curl, admin: Admin, name: str) -> None:
    status, code = ERRORS[name]
    admin.fault(error=name)
    assert curl.send() == status
    details = json.loads(curl.text)["error"].get("details", [])
    assert [detail["errorCode"] for detail in details if "errorCode" in detail] == ([code] if code else [])
    assert admin.record()["accepted"] == 0
    assert curl.send() == 200


def test_bad_gateway_is_a_page(curl: Curl, admin: Admin) -> None:
    admin.fault(error="BAD_GATEWAY")
    assert curl.send() == 502
    assert curl.text.startswith("<!DOCTYPE html>")


def test_raw_answer_is_given_as_told(curl: Curl, admin: Admin) -> None:
    admin.fault(status=418, body={"error": "teapot"})
    assert curl.send() == 418
    assert json.loads(curl.text) == {"error": "teapot"}


@pytest.mark.parametrize("value", [120, "Wed, 21 Oct 2026 07:28:00 GMT"])
def test_retry_after_is_sent_as_told(curl: Curl, admin: Admin, value: int | str) -> None:
    admin.fault(error="UNAVAILABLE", retry_after=value)
    lines: list[bytes] = []
    curl.handle.setopt(pycurl.HEADERFUNCTION, lines.append)
    assert curl.send() == 503
    assert f"retry-after: {value}\r\n".encode() in lines


def test_unavailable_after_acceptance_keeps_the_message(curl: Curl, admin: Admin) -> None:
    admin.fault(error="UNAVAILABLE", accept_first=True)
    assert curl.send() == 503
    record = admin.record()
    assert (record["accepted"], record["last_answer"]["status"]) == (1, 503)


@pytest.mark.parametrize("scope", ["connection", "stream"])
@pytest.mark.parametrize(("moment", "accepted"), [("before", 0), ("after", 1)])
def test_dropped_request_gets_no_answer(curl: Curl, admin: Admin, moment: str, accepted: int, scope: str) -> None:
    before = opened(admin)
    admin.fault(drop=moment, drop_scope=scope)
    with pytest.raises(pycurl.error):
        curl.send()
    record = admin.record()
    assert (record["accepted"], record["answers"]) == (accepted, 0)
    assert curl.send() == 200
    assert opened(admin) == before + (2 if scope == "connection" else 1)


def test_goaway_answers_and_the_next_request_takes_a_new_connection(curl: Curl, admin: Admin) -> None:
    assert curl.send() == 200
    before = opened(admin)
    admin.fault(goaway=True)
    assert curl.send() == 200
    assert curl.send() == 200
    assert opened(admin) == before + 1


def test_client_that_gives_up_during_a_delay_got_no_answer(curl: Curl, admin: Admin) -> None:
    admin.fault(delay_seconds=30)
    curl.handle.setopt(pycurl.TIMEOUT_MS, 300)
    with pytest.raises(pycurl.error):
        curl.send()
    record = admin.record()
    assert (record["accepted"], record["answers"]) == (1, 0)


def test_termination_answers_what_is_in_flight_and_ends_cleanly(tmp_path_factory: pytest.TempPathFactory) -> None:
    with running_simulator(tmp_path_factory.mktemp("fcm")) as running, closing(pycurl.CurlMulti()) as multi:
        admin = Admin(running)
        admin.fault(delay_seconds=1)
        with closing(Curl(running)) as curl:
            handle = curl.prepare({"message": {"token": "t"}})
            multi.add_handle(handle)
            while multi.perform()[1] and admin.ask("GET", "stats")["accepted"] == 0:
                multi.select(0.1)
            running.process.terminate()
            perform_all(multi, [handle])
            assert curl.status == 200
            multi.remove_handle(handle)
        assert running.process.wait(10) == 0


HEADERS_ON_STREAM_0 = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 1, 5, 0, 0, 0, 0))


@pytest.mark.parametrize("garbage", [b"GET / HTTP/1.1\r\n\r\n", HEADERS_ON_STREAM_0])
def test_what_is_no_http_2_closes_that_connection_only(simulator: RunningSimulator, curl: Curl, garbage: bytes) -> None:
    address = urlsplit(simulator.url)
    context = ssl.create_default_context(cafile=str(simulator.ca))
    context.set_alpn_protocols(["h2"])
    plain = socket.create_connection((str(address.hostname), int(address.port or 0)), timeout=10)
    with context.wrap_socket(plain, server_hostname="localhost") as connected:
        assert connected.selected_alpn_protocol() == "h2"
        connected.sendall(garbage)
        while connected.recv(65_536):
            pass
    assert curl.send() == 200
