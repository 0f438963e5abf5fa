"""The sender against the FCM simulator: one multiplexed connection, every answer as FCM gave it, nothing left for the next chunk."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from threading import Barrier

import pytest

from fanfare.adapters.fcm_credentials import FcmCredentials
from fanfare.adapters.fcm_lane import CONNECTIONS, STREAMS, FcmEndpoint
from fanfare.adapters.fcm_sender import FcmPushSender
from fanfare.adapters.secret_manager import GoogleSecretStore
from fanfare.domain.errors import Unavailable
from fanfare.domain.tenant import Tenant
from local.stack import Stack
from tests.contract.adapters.account import ServiceAccount
from tests.contract.adapters.scripted import Reply, ScriptedServer, unused_url
from tests.contract.adapters.simulator import Simulator, bodies, keys, send_all
from tests.factories import a_tenant


def test_a_chunk_goes_over_one_http2_connection(fcm: Simulator, sender: FcmPushSender, tenant: Tenant) -> None:
    before = fcm.connections()
    answers = send_all(sender, tenant, keys(500))
    assert fcm.connections() - before == 1
    assert {message["http_version"] for message in fcm.messages()} == {"2"}
    assert {key: [json.loads(answer.body)["name"]] for key, answer in answers.items()} == fcm.names()
    assert {answer.status for answer in answers.values()} == {200}


def test_a_second_chunk_of_the_same_thread_uses_the_same_connection(fcm: Simulator, sender: FcmPushSender, tenant: Tenant) -> None:
    send_all(sender, tenant, keys(3))
    before = fcm.connections()
    assert len(send_all(sender, tenant, keys(3, "other"))) == 3
    assert fcm.connections() == before


def test_slow_answers_are_waited_for_side_by_side_up_to_the_limit_of_streams(fcm: Simulator, sender: FcmPushSender, tenant: Tenant) -> None:
    fcm.fault(delay_seconds=0.3)
    before = fcm.connections()
    answers = send_all(sender, tenant, keys(250))
    assert Counter(answer.status for answer in answers.values()) == {200: 250}
    assert fcm.most_streams() == STREAMS
    assert fcm.connections() - before == 1


def test_bodies_are_drawn_only_when_a_stream_is_free(fcm: Simulator, sender: FcmPushSender, tenant: Tenant) -> None:
    drawn: list[str] = []
    answered: list[str] = []

    def lazily() -> Iterator[tuple[str, bytes]]:
        for key, body in bodies(keys(300)):
            drawn.append(key)
            yield key, body

    for batch in sender.send(tenant, lazily()):
        answered.extend(key for key, _ in batch)
        assert len(drawn) - len(answered) <= STREAMS
    assert len(answered) == 300


def test_a_server_of_http_1_is_spoken_to_over_few_connections(fcm: Simulator, outside: Stack, credentials: FcmCredentials, tenant: Tenant) -> None:
    assert outside.fcm_url
    before = fcm.connections("h1")
    answers = send_all(FcmPushSender(FcmEndpoint(outside.fcm_url, ""), credentials), tenant, keys(60))
    assert Counter(answer.status for answer in answers.values()) == {200: 60}
    assert {message["http_version"] for message in fcm.messages()} == {"1.1"}
    assert 1 <= fcm.connections("h1") - before <= CONNECTIONS


def test_a_message_arrives_as_it_was_encoded(fcm: Simulator, sender: FcmPushSender, tenant: Tenant) -> None:
    body = '{"message":{"token":"t","notification":{"title":"Grüße 👋"},"data":{"a":"b"}}}'.encode()
    [answers] = [batch for batch in sender.send(tenant, [("key", body)]) if batch]
    assert answers[0][0] == "key"
    [message] = fcm.messages()
    assert message["message"] == json.loads(body)["message"]
    assert message["project"] == tenant.firebase_project_id
    assert message["headers"]["content-type"] == "application/json"


def test_nothing_to_send_asks_fcm_nothing(fcm: Simulator, sender: FcmPushSender, tenant: Tenant) -> None:
    before = fcm.connections()
    assert send_all(sender, tenant, []) == {}
    assert fcm.connections() == before


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        ("UNREGISTERED", 404, "UNREGISTERED"),
        ("SENDER_ID_MISMATCH", 403, "SENDER_ID_MISMATCH"),
        ("UNAVAILABLE", 503, "UNAVAILABLE"),
        ("THIRD_PARTY_AUTH_ERROR", 401, "THIRD_PARTY_AUTH_ERROR"),
    ],
)
def test_a_refusal_comes_with_its_status_and_body(fcm: Simulator, sender: FcmPushSender, tenant: Tenant, error: str, status: int, code: str) -> None:
    fcm.fault("t1", error=error)
    answers = send_all(sender, tenant, keys(3))
    assert answers["t1"].status == status
    assert code in [detail.get("errorCode") for detail in json.loads(answers["t1"].body)["error"]["details"]]
    assert answers["t1"].retry_after_seconds == 0
    assert [answers[key].status for key in ("t0", "t2")] == [200, 200]


def test_a_large_body_of_an_answer_comes_whole(fcm: Simulator, sender: FcmPushSender, tenant: Tenant) -> None:
    text = "<html>" + "x" * 100_000
    fcm.fault("t0", status=502, body=text)
    answers = send_all(sender, tenant, keys(2))
    assert (answers["t0"].status, answers["t0"].body) == (502, text.encode())


def test_retry_after_in_seconds_is_told(fcm: Simulator, sender: FcmPushSender, tenant: Tenant) -> None:
    fcm.fault("t0", error="UNAVAILABLE", retry_after=37)
    assert send_all(sender, tenant, keys(2))["t0"].retry_after_seconds == 37


def test_retry_after_as_a_date_is_told_in_seconds(fcm: Simulator, sender: FcmPushSender, tenant: Tenant) -> None:
    fcm.fault("t0", error="UNAVAILABLE", retry_after=format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True))
    assert 80 <= send_all(sender, tenant, keys(1))["t0"].retry_after_seconds <= 91


def test_retry_after_of_one_answer_is_not_told_of_the_next_on_its_handle(fcm: Simulator, sender: FcmPushSender, tenant: Tenant) -> None:
    fcm.fault("first", error="UNAVAILABLE", retry_after=37)
    fcm.fault("second", error="UNAVAILABLE")
    assert send_all(sender, tenant, ["first"])["first"].retry_after_seconds == 37
    assert send_all(sender, tenant, ["second"])["second"].retry_after_seconds == 0


def test_batches_come_while_nothing_arrives(fcm: Simulator, sender: FcmPushSender, tenant: Tenant) -> None:
    fcm.fault(delay_seconds=2.2)
    batches = list(sender.send(tenant, bodies(["t"])))
    assert [batch for batch in batches if batch] == [batches[-1]]
    assert len(batches) >= 3


def test_a_consumer_that_stops_early_leaves_nothing_for_the_next_chunk(fcm: Simulator, sender: FcmPushSender, tenant: Tenant) -> None:
    fcm.fault(*keys(100)[1:], delay_seconds=0.3)
    stopped = sender.send(tenant, bodies(keys(100)))
    while not next(stopped):
        pass
    assert hasattr(stopped, "close")
    stopped.close()
    fcm.fault(*keys(50, "next"), delay_seconds=0.6)
    answers = send_all(sender, tenant, keys(50, "next"))
    assert answers.keys() == set(keys(50, "next"))
    assert {answer.status for answer in answers.values()} == {200}


def test_a_consumer_that_fails_leaves_nothing_for_the_next_chunk(fcm: Simulator, sender: FcmPushSender, tenant: Tenant) -> None:
    fcm.fault(*keys(100), delay_seconds=0.3)
    begun = iter(sender.send(tenant, bodies(keys(100))))
    next(begun)
    assert hasattr(begun, "throw")
    with pytest.raises(ZeroDivisionError):
        begun.throw(ZeroDivisionError)
    assert send_all(sender, tenant, ["next"]).keys() == {"next"}


def test_a_source_of_messages_that_fails_leaves_nothing_for_the_next_chunk(fcm: Simulator, sender: FcmPushSender, tenant: Tenant) -> None:
    def failing() -> Iterator[tuple[str, bytes]]:
        yield from bodies(keys(20))
        raise Unavailable("The key can't be read.")

    with pytest.raises(Unavailable):
        list(sender.send(tenant, failing()))
    assert send_all(sender, tenant, ["next"]).keys() == {"next"}


def test_tenants_that_take_turns_are_sent_for_with_their_own_tokens_to_their_own_projects(
    server: ScriptedServer, credentials: FcmCredentials, secrets: GoogleSecretStore, tenant: Tenant, private_key: str
) -> None:
    server.reply = lambda _asked: Reply.of({"name": "n"})
    sender, other = FcmPushSender(FcmEndpoint(server.url, ""), credentials), a_tenant(id="globex")
    secrets.store(other.credential_secret, ServiceAccount(private_key).raw)
    for turn in range(2):
        assert len(send_all(sender, tenant, keys(5, f"acme{turn}-"))) == 5
        assert len(send_all(sender, other, keys(5, f"globex{turn}-"))) == 5
    seen = {(asked.path, asked.headers["Authorization"], json.loads(asked.body)["message"]["token"][:4]) for asked in server.asked}
    assert len(server.asked) == 20
    assert seen == {
        ("/v1/projects/acme-app/messages:send", f"Bearer {credentials.access_token(tenant)}", "acme"),
        ("/v1/projects/globex-app/messages:send", f"Bearer {credentials.access_token(other)}", "glob"),
    }


def test_threads_send_side_by_side_and_get_their_own_answers(fcm: Simulator, sender: FcmPushSender, tenant: Tenant) -> None:
    together = Barrier(4)

    def deliver(number: int) -> set[tuple[str, int]]:
        together.wait(10)
        return {(key, answer.status) for key, answer in send_all(sender, tenant, keys(80, f"thread{number}-")).items()}

    before = fcm.connections()
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(deliver, range(4)))
    assert answers == [{(key, 200) for key in keys(80, f"thread{number}-")} for number in range(4)]
    assert fcm.connections() - before == 4


def test_a_renewed_tenant_is_sent_for_with_a_new_token(server: ScriptedServer, credentials: FcmCredentials, tenant: Tenant) -> None:
    server.reply = lambda _asked: Reply.of({"name": "n"})
    sender = FcmPushSender(FcmEndpoint(server.url, ""), credentials)
    for _ in range(2):
        send_all(sender, tenant, ["t"])
    sender.renew(tenant)
    send_all(sender, tenant, ["t"])
    first, second, renewed = [asked.headers["Authorization"] for asked in server.asked]
    assert first == second != renewed


def test_a_running_fcm_is_found_and_sent_nothing(fcm: Simulator, sender: FcmPushSender) -> None:
    sender.probe()
    assert fcm.messages() == []


def test_an_absent_fcm_is_told(credentials: FcmCredentials) -> None:
    with pytest.raises(Unavailable):
        FcmPushSender(FcmEndpoint(unused_url(), ""), credentials).probe()
