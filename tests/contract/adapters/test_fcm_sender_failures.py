"""Broken networks: what is lost is answered as unknown (status 0), never raised, and the next chunk goes out."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fanfare.adapters.fcm_credentials import FcmCredentials
from fanfare.adapters.fcm_lane import FcmEndpoint
from fanfare.adapters.fcm_sender import FcmPushSender
from fanfare.domain.classification import Answer
from fanfare.domain.errors import Unavailable
from fanfare.domain.tenant import Tenant
from local.certificates import write_certificates
from tests.contract.adapters.scripted import Reply, ScriptedServer, SilentServer, unused_url
from tests.contract.adapters.simulator import Simulator, keys, send_all

UNKNOWN = Answer(0)
SHORT_MS = 1_000
PATIENCE_SECONDS = 6.0


@pytest.fixture
def impatient(endpoint: FcmEndpoint, credentials: FcmCredentials) -> FcmPushSender:
    """A sender that waits a second for an answer."""
    return FcmPushSender(replace(endpoint, timeout_ms=SHORT_MS), credentials)


def _check(answers: dict[str, Answer], fcm: Simulator, expected: list[str]) -> None:
    """Every message has one answer: unknown, or an acceptance that the simulator knows of."""
    assert answers.keys() == set(expected)
    accepted = {key: json.loads(answer.body)["name"] for key, answer in answers.items() if answer != UNKNOWN}
    names = fcm.names()
    assert [key for key, name in accepted.items() if name not in names[key]] == []


@pytest.mark.parametrize("drop", ["before", "after"])
@pytest.mark.parametrize("count", [1, 250])
def test_a_dropped_connection_loses_answers_and_nothing_else(fcm: Simulator, sender: FcmPushSender, tenant: Tenant, drop: str, count: int) -> None:
    fcm.fault(keys(count)[count // 2], times=1, drop=drop)
    _check(send_all(sender, tenant, keys(count)), fcm, keys(count))
    assert [answer.status for answer in send_all(sender, tenant, keys(5, "next")).values()] == [200] * 5


def test_a_connection_that_drops_for_ever_ends_as_unknown(fcm: Simulator, sender: FcmPushSender, tenant: Tenant) -> None:
    fcm.fault("t1", drop="after")
    answers = send_all(sender, tenant, keys(3))
    assert answers["t1"] == UNKNOWN
    _check(answers, fcm, keys(3))


def test_a_reset_stream_concerns_its_message_alone(fcm: Simulator, sender: FcmPushSender, tenant: Tenant) -> None:
    fcm.fault("t7", drop="after", drop_scope="stream")
    before = fcm.connections()
    answers = send_all(sender, tenant, keys(150))
    assert [key for key, answer in answers.items() if answer == UNKNOWN] == ["t7"]
    _check(answers, fcm, keys(150))
    assert fcm.connections() - before == 1


def test_a_connection_that_says_goodbye_is_replaced(fcm: Simulator, sender: FcmPushSender, tenant: Tenant) -> None:
    fcm.fault("t20", times=1, goaway=True)
    before = fcm.connections()
    answers = send_all(sender, tenant, keys(400))
    _check(answers, fcm, keys(400))
    assert sum(answer.status == 200 for answer in answers.values()) >= 300
    assert fcm.connections() - before >= 2
    assert send_all(sender, tenant, ["next"])["next"].status == 200


def test_an_answer_that_comes_too_late_is_unknown_and_reaches_no_other_chunk(fcm: Simulator, impatient: FcmPushSender, tenant: Tenant) -> None:
    fcm.fault("late", delay_seconds=1.5)
    started = time.monotonic()
    answers = send_all(impatient, tenant, ["late", *keys(5)])
    assert time.monotonic() - started < PATIENCE_SECONDS
    assert answers.pop("late") == UNKNOWN
    assert {answer.status for answer in answers.values()} == {200}
    fcm.fault("slow", delay_seconds=0.8)
    answers = send_all(impatient, tenant, ["slow"])
    assert answers.keys() == {"slow"}
    assert answers["slow"].status == 200


@pytest.mark.parametrize("scheme", ["https", "http"])
def test_a_half_open_server_ends_as_unknown_in_time(silent: SilentServer, credentials: FcmCredentials, tenant: Tenant, scheme: str) -> None:
    sender = FcmPushSender(FcmEndpoint(f"{scheme}://{silent.address}", "", SHORT_MS), credentials)
    started = time.monotonic()
    assert send_all(sender, tenant, keys(30)) == dict.fromkeys(keys(30), UNKNOWN)
    assert time.monotonic() - started < PATIENCE_SECONDS


def test_a_half_open_server_is_told_by_the_probe(silent: SilentServer, credentials: FcmCredentials) -> None:
    with pytest.raises(Unavailable):
        FcmPushSender(FcmEndpoint(f"http://{silent.address}", ""), credentials).probe()


def test_nobody_listening_ends_as_unknown(credentials: FcmCredentials, tenant: Tenant) -> None:
    sender = FcmPushSender(FcmEndpoint(unused_url(), ""), credentials)
    assert send_all(sender, tenant, keys(120)) == dict.fromkeys(keys(120), UNKNOWN)


def test_half_an_answer_is_unknown(server: ScriptedServer, credentials: FcmCredentials, tenant: Tenant) -> None:
    server.reply = lambda _asked: Reply(503, b"half", {"Content-Length": "8", "Retry-After": "30"})
    assert send_all(FcmPushSender(FcmEndpoint(server.url, ""), credentials), tenant, ["t"]) == {"t": UNKNOWN}


def test_a_server_that_nobody_vouches_for_gets_no_message(
    fcm: Simulator, endpoint: FcmEndpoint, credentials: FcmCredentials, tenant: Tenant, tmp_path: Path
) -> None:
    stranger = write_certificates(tmp_path).ca
    sender = FcmPushSender(replace(endpoint, ca_bundle=str(stranger)), credentials)
    assert send_all(sender, tenant, keys(3)) == dict.fromkeys(keys(3), UNKNOWN)
    assert fcm.messages() == []
    with pytest.raises(Unavailable):
        sender.probe()


def test_a_probe_trusts_whom_the_messages_trust(fcm: Simulator, endpoint: FcmEndpoint, credentials: FcmCredentials) -> None:
    FcmPushSender(endpoint, credentials).probe()
    with pytest.raises(Unavailable):
        FcmPushSender(replace(endpoint, ca_bundle=""), credentials).probe()


@pytest.mark.parametrize("answer", [{"status": 500, "body": ""}, {"status": 503, "body": "<html>"}, {"status": 429, "body": {"error": []}}])
def test_an_answer_in_no_known_form_is_passed_on(fcm: Simulator, sender: FcmPushSender, tenant: Tenant, answer: dict[str, Any]) -> None:
    fcm.fault("t0", **answer)
    received = send_all(sender, tenant, keys(1))["t0"]
    text = answer["body"] if isinstance(answer["body"], str) else json.dumps(answer["body"])
    assert (received.status, received.body.decode().replace(" ", "").replace("\n", "")) == (answer["status"], text.replace(" ", ""))
