"""The FCM simulator over HTTP/1.1, plain and over TLS, as an ordinary client sees it."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from firebase_admin import messaging
from firebase_admin._messaging_encoder import MessageEncoder
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local.fcm.process import RunningSimulator, running_simulator

SEND = "/v1/projects/demo/messages:send"
HEADERS = {"Authorization": "Bearer secret", "Content-Type": "application/json"}


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSimulator]:
    with running_simulator(tmp_path_factory.mktemp("fcm")) as running:
        yield running


@pytest.fixture
def session(simulator: RunningSimulator) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        session.verify = str(simulator.ca)
        session.delete(f"{simulator.admin_url}/_sim/messages", timeout=10).raise_for_status()
        session.delete(f"{simulator.admin_url}/_sim/faults", timeout=10).raise_for_status()
        session.headers.update(HEADERS)
        yield session


@pytest.fixture
def plain_socket(simulator: RunningSimulator) -> Iterator[socket.socket]:
    address = urlsplit(simulator.admin_url)
    with socket.create_connection((str(address.hostname), int(address.port or 0)), timeout=10) as connected:
        yield connected


def read_all(connected: socket.socket) -> bytes:
    return b"".join(iter(lambda: connected.recv(65_536), b""))


def raw_request(*lines: str, body: bytes = b"") -> bytes:
    return "\r\n".join(("POST " + SEND + " HTTP/1.1", "Host: x", "Authorization: Bearer t", *lines, "", "")).encode() + body


@pytest.mark.parametrize("base", ["url", "admin_url"])
def test_both_ports_accept_a_message_over_http_1(simulator: RunningSimulator, session: requests.Session, base: str) -> None:
    answer = session.post(f"{getattr(simulator, base)}{SEND}", json={"message": {"token": "t"}}, timeout=10)
    assert answer.status_code == 200
    kept = session.get(f"{simulator.admin_url}/_sim/messages?target=t", timeout=10).json()["messages"]
    assert [row["name"] for row in kept] == [answer.json()["name"]]
    assert kept[0]["http_version"] == "1.1"
    assert "authorization" not in kept[0]["headers"]


def test_connection_is_kept_alive_and_escaped_colon_is_understood(simulator: RunningSimulator) -> None:
    address = urlsplit(simulator.url)
    context = ssl.create_default_context(cafile=str(simulator.ca))
    connection = http.client.HTTPSConnection(str(address.hostname), address.port, context=context, timeout=10)
    try:
        for path in (SEND, SEND.replace(":", "%3A"), f"{SEND}?alt=json"):
            connection.request("POST", path, json.dumps({"message": {"topic": "news"}}), HEADERS)
            answer = connection.getresponse()
            assert (answer.status, answer.version) == (200, 11)
            assert json.loads(answer.read())["name"].startswith("projects/demo/messages/")
    finally:
        connection.close()


def test_refusals_have_the_shapes_of_fcm(simulator: RunningSimulator, session: requests.Session) -> None:
    def error(body: object) -> dict[str, Any]:
        answer = session.post(simulator.url + SEND, json=body, timeout=10)
        assert answer.status_code == 400
        assert answer.headers["content-type"] == "application/json; charset=UTF-8"
        return dict(answer.json()["error"])

    reserved = error({"message": {"token": "t", "data": {"from": "x"}}})
    assert reserved["details"] == [
        {"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": "INVALID_ARGUMENT"},
        {
            "@type": "type.googleapis.com/google.rpc.BadRequest",
            "fieldViolations": [{"field": "message.data[0].key", "description": "Invalid data payload key: from"}],
        },
    ]
    unknown = error({"message": {"token": "t", "key": "x"}})
    text = "Invalid JSON payload received. Unknown name \"key\" at 'message': Cannot find field."
    violations = [{"field": "message", "description": text}]
    assert unknown == {
        "code": 400,
        "message": text,
        "status": "INVALID_ARGUMENT",
        "details": [{"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": violations}],
    }
    refused = session.get(f"{simulator.admin_url}/_sim/stats", timeout=10).json()["refused"]
    assert refused == {"400 INVALID_ARGUMENT": 2}


def rich_message() -> messaging.Message:
    """Return a message that uses most of what the SDK can encode for the three platforms."""
    return messaging.Message(
        fid="f",
        data={"screen": "order"},
        notification=messaging.Notification("title", "body", "https://example.com/image.png"),
        fcm_options=messaging.FCMOptions("label"),
        android=messaging.AndroidConfig(
            collapse_key="orders",
            priority="high",
            ttl=timedelta(seconds=3.5),
            restricted_package_name="com.example",
            data={"extra": "1"},
            fcm_options=messaging.AndroidFCMOptions("label"),
            direct_boot_ok=True,
            notification=messaging.AndroidNotification(
                title="t",
                body="b",
                icon="i",
                color="#AABBCC",
                sound="default",
                tag="n1",
                click_action="OPEN",
                channel_id="orders",
                title_loc_key="k",
                title_loc_args=["a", "b"],
                sticky=True,
                event_timestamp=datetime.now(tz=UTC),
                local_only=False,
                priority="high",
                vibrate_timings_millis=[100, 1500],
                default_vibrate_timings=False,
                light_settings=messaging.LightSettings(color="#aabbcc80", light_on_duration_millis=200, light_off_duration_millis=300),
                visibility="private",
                notification_count=3,
                proxy="if_priority_lowered",
            ),
        ),
        apns=messaging.APNSConfig(
            headers={"apns-priority": "10", "apns-collapse-id": "n1"},
            payload=messaging.APNSPayload(
                messaging.Aps(
                    alert=messaging.ApsAlert(title="t", body="b", loc_key="k", loc_args=["x"]),
                    badge=1,
                    sound=messaging.CriticalSound("default", critical=True, volume=0.5),
                    content_available=True,
                    mutable_content=True,
                    thread_id="g",
                ),
                custom="value",
            ),
            fcm_options=messaging.APNSFCMOptions("label", "https://example.com/i.png"),
        ),
        webpush=messaging.WebpushConfig(
            headers={"TTL": "60", "Topic": "n1"},
            data={"k": "v"},
            notification=messaging.WebpushNotification(
                title="t", body="b", tag="n1", actions=[messaging.WebpushNotificationAction("a", "A")], custom_data={"x": [1, None]}
            ),
            fcm_options=messaging.WebpushFCMOptions("https://example.com/"),
        ),
    )


def test_what_the_sdk_encodes_is_accepted(simulator: RunningSimulator, session: requests.Session) -> None:
    encoded = MessageEncoder().default(rich_message())
    answer = session.post(simulator.url + SEND, json={"message": encoded, "validate_only": False}, timeout=10)
    assert answer.status_code == 200, answer.text
    [kept] = session.get(f"{simulator.admin_url}/_sim/messages", timeout=10).json()["messages"]
    assert kept["message"] == encoded
    [record] = session.get(f"{simulator.admin_url}/_sim/targets", timeout=10).json()["targets"]
    assert record["tags"]["android_tag"] == record["tags"]["apns_collapse_id"] == record["tags"]["webpush_tag"] == ["n1"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300) | st.text(max_size=100).map(lambda text: json.dumps({"message": {"token": text}}).encode()))
def test_any_bytes_as_body_are_answered_below_500(simulator: RunningSimulator, session: requests.Session, body: bytes) -> None:
    assert session.post(simulator.admin_url + SEND, data=body, timeout=10).status_code in {200, 400}


def test_pipelined_requests_are_answered_in_their_order(plain_socket: socket.socket) -> None:
    bodies = [json.dumps({"message": {"token": "t"}}).encode(), b"{"]
    first, second = (raw_request(f"Content-Length: {len(body)}", body=body) for body in bodies)
    plain_socket.sendall(first + second.replace(b"Host: x", b"Host: x\r\nConnection: close"))
    answers = read_all(plain_socket)
    assert answers.index(b" 200 ") < answers.index(b" 400 ")


def test_chunked_body_is_read(plain_socket: socket.socket) -> None:
    body = b'10\r\n{"message": {"to\r\nb\r\nken": "t"}}\r\n0\r\n\r\n'
    plain_socket.sendall(raw_request("Transfer-Encoding: chunked", "Connection: close", body=body))
    assert b" 200 " in read_all(plain_socket)


def test_client_that_waits_for_100_continue_gets_it(plain_socket: socket.socket) -> None:
    body = b'{"message": {"token": "t"}}'
    plain_socket.sendall(raw_request(f"Content-Length: {len(body)}", "Expect: 100-continue", "Connection: close"))
    assert b" 100 " in plain_socket.recv(1000)
    plain_socket.sendall(body)
    assert b" 200 " in read_all(plain_socket)


def test_body_over_a_mebibyte_is_refused(plain_socket: socket.socket) -> None:
    plain_socket.sendall(raw_request("Transfer-Encoding: chunked", body=b"100001\r\n" + b"x" * 0x100001))
    assert b" 413 " in read_all(plain_socket)


def test_what_is_no_http_is_refused_and_closed(plain_socket: socket.socket) -> None:
    plain_socket.sendall(b"\x16\x03\x01nonsense\r\n\r\n")
    assert b" 400 " in read_all(plain_socket)


def test_missing_certificate_ends_with_one_sentence(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    from local.fcm.__main__ import main  # noqa: PLC0415 - what the command runs

    assert main(["--certificate", str(tmp_path / "none.pem"), "--private-key", str(tmp_path / "none.key")]) == 1
    assert capfd.readouterr().err.startswith("The FCM simulator cannot start: ")
