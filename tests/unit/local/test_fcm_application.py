from __future__ import annotations

import json
from typing import Any

import pytest

from local.fcm.application import Application
from local.fcm.connections import Connections
from local.fcm.exchange import Answer, Drop, Request
from local.fcm.faults import FaultBook
from local.fcm.inbox import Inbox

SEND = "/v1/projects/demo/messages:send"
CREDENTIAL = {"authorization": "Bearer secret", "x-trace": "1"}


@pytest.fixture
def application() -> Application:
    return Application(Inbox(keep=3), FaultBook(), Connections())


def give(application: Application, request: Request) -> Answer:
    answer = application.handle(request)
    if answer.on_given and not answer.drop:
        answer.on_given()
    return answer


def send(application: Application, target: str = "t", **fields: Any) -> Answer:
    validate_only = fields.pop("validate_only", False)
    body = json.dumps({"message": {"token": target, **fields}, "validateOnly": validate_only}).encode()
    return give(application, Request("POST", SEND, CREDENTIAL, body, "2"))


def ask(application: Application, method: str, target: str, body: object = None) -> Any:
    answer = give(application, Request(method, target, {}, b"" if body is None else json.dumps(body).encode(), "1.1"))
    return json.loads(answer.body) if answer.body else answer.status


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer  ", "Basic abc"])
def test_request_without_a_bearer_is_unauthenticated(application: Application, header: str | None) -> None:
    headers = {} if header is None else {"authorization": header}
    answer = application.handle(Request("POST", SEND, headers, b"{}", "2"))
    error = json.loads(answer.body)["error"]
    assert (answer.status, error["status"]) == (401, "UNAUTHENTICATED")
    assert error["details"][0]["reason"] == "CREDENTIALS_MISSING"
    assert answer.headers[0][0] == "www-authenticate"


@pytest.mark.parametrize(("method", "path"), [("GET", SEND), ("POST", "/v1/projects/messages:send"), ("POST", "/"), ("GET", "/_sim/x")])
def test_path_or_method_outside_the_api_is_the_html_page_404(application: Application, method: str, path: str) -> None:
    answer = application.handle(Request(method, path, CREDENTIAL, b"", "2"))
    assert answer.status == 404
    assert answer.content_type.startswith("text/html")


def test_accepted_message_is_kept_without_its_credential(application: Application) -> None:
    name = json.loads(send(application, "t-1", data={"k": "v"}).body)["name"]
    assert name.startswith("projects/demo/messages/0:")
    [kept] = ask(application, "GET", "/_sim/messages?target=t-1&project=demo")["messages"]
    assert kept["name"] == name
    assert (kept["kind"], kept["target"], kept["project"], kept["http_version"]) == ("token", "t-1", "demo", "2")
    assert kept["message"] == {"token": "t-1", "data": {"k": "v"}}
    assert kept["headers"] == {"x-trace": "1"}
    assert kept["validate_only"] is False


def test_names_are_unique_and_only_the_newest_messages_are_kept(application: Application) -> None:
    names = [json.loads(send(application, f"t-{n}").body)["name"] for n in range(5)]
    assert len(set(names)) == 5
    assert [row["name"] for row in ask(application, "GET", "/_sim/messages")["messages"]] == names[2:]
    assert [row["name"] for row in ask(application, "GET", "/_sim/messages?limit=1")["messages"]] == names[4:]
    assert [row["names"] for row in ask(application, "GET", "/_sim/targets")["targets"]] == [[name] for name in names]


def test_validation_delivers_nothing_and_leaves_no_trace_at_the_target(application: Application) -> None:
    answer = send(application, validate_only=True)
    assert json.loads(answer.body) == {"name": "projects/demo/messages/fake_message_id"}
    stats = ask(application, "GET", "/_sim/stats")
    assert (stats["accepted"], stats["validated"], stats["targets"]) == (0, 1, 0)
    assert send(application, validate_only=True, data={"from": "x"}).status == 400
    assert ask(application, "GET", "/_sim/targets")["targets"] == []


def test_target_record_tells_tags_answers_and_the_last_of_them(application: Application) -> None:
    tagged = {
        "android": {"collapse_key": "c", "notification": {"tag": "n1"}},
        "apns": {"headers": {"apns-collapse-id": "n1"}},
        "webpush": {"headers": {"Topic": "w"}, "notification": {"tag": "n1"}},
    }
    names = [json.loads(send(application, "t", **tagged).body)["name"] for _ in range(2)]
    send(application, "t")
    assert send(application, "t", data={"from": "x"}).status == 400
    [record] = ask(application, "GET", "/_sim/targets?prefix=t")["targets"]
    assert record["names"][:2] == names
    assert (record["attempts"], record["accepted"], record["answers"], record["untagged"]) == (4, 3, 4, 1)
    assert record["last_answer"] == {"status": 400, "code": "INVALID_ARGUMENT"}
    assert record["tags"] == {
        "android_tag": ["n1"],
        "android_collapse_key": ["c"],
        "apns_collapse_id": ["n1"],
        "webpush_tag": ["n1"],
        "webpush_topic": ["w"],
    }


def test_targets_are_paged_and_filtered(application: Application) -> None:
    for n in range(5):
        send(application, f"a-{n}")
    send(application, "b")
    first = ask(application, "GET", "/_sim/targets?prefix=a-&limit=3")
    rest = ask(application, "GET", f"/_sim/targets?prefix=a-&limit=3&after={first['next']}")
    assert [row["target"] for row in first["targets"] + rest["targets"]] == [f"a-{n}" for n in range(5)]
    assert rest["next"] is None
    assert ask(application, "GET", "/_sim/targets?project=other")["targets"] == []


def test_error_after_acceptance_keeps_the_message(application: Application) -> None:
    rule = {"match": {"targets": ["t"]}, "times": 1, "answer": {"error": "UNAVAILABLE", "accept_first": True, "retry_after": 7}}
    assert ask(application, "POST", "/_sim/faults", rule)["id"] == "fault-1"
    answer = send(application)
    assert answer.status == 503
    assert ("retry-after", "7") in answer.headers
    [record] = ask(application, "GET", "/_sim/targets")["targets"]
    assert (record["accepted"], record["last_answer"]) == (1, {"status": 503, "code": "UNAVAILABLE"})
    assert send(application).status == 200
    assert ask(application, "GET", "/_sim/stats")["refused"] == {"503 UNAVAILABLE": 1}


@pytest.mark.parametrize(("moment", "accepted"), [("before", 0), ("after", 1)])
def test_dropped_request_counts_no_answer(application: Application, moment: str, accepted: int) -> None:
    ask(application, "POST", "/_sim/faults", {"answer": {"drop": moment, "drop_scope": "stream"}})
    assert send(application).drop is Drop.STREAM
    [record] = ask(application, "GET", "/_sim/targets")["targets"]
    assert (record["accepted"], record["answers"], record["last_answer"]) == (accepted, 0, None)
    assert ask(application, "GET", "/_sim/stats")["dropped"] == 1


def test_faults_are_listed_with_hits_and_taken_out_of_force(application: Application) -> None:
    ask(application, "POST", "/_sim/faults", {"id": "one", "answer": {"error": "UNREGISTERED"}})
    ask(application, "POST", "/_sim/faults", {"id": "two", "answer": {"status": 418, "body": "tea"}})
    assert send(application).status == 404
    assert [(row["id"], row["hits"]) for row in ask(application, "GET", "/_sim/faults")["faults"]] == [("one", 1), ("two", 0)]
    assert ask(application, "DELETE", "/_sim/faults/one") == 204
    assert send(application).body == b"tea"
    assert ask(application, "DELETE", "/_sim/faults/one")["errors"]
    assert ask(application, "DELETE", "/_sim/faults") == 204
    assert send(application).status == 200


def test_wrong_fault_rule_is_refused_naming_the_field(application: Application) -> None:
    assert ask(application, "POST", "/_sim/faults", {"answer": {"delay": 1}})["errors"][0]["field"] == "answer.delay"
    assert give(application, Request("POST", "/_sim/faults", {}, b"\xff", "1.1")).status == 400


def test_forgetting_empties_messages_targets_and_totals(application: Application) -> None:
    send(application)
    assert ask(application, "DELETE", "/_sim/messages") == 204
    stats = ask(application, "GET", "/_sim/stats")
    assert (stats["accepted"], stats["kept_messages"], stats["targets"]) == (0, 0, 0)


def test_connection_totals_follow_what_opens_and_closes() -> None:
    class Link:
        version = "h2"

        def leave(self) -> None: ...

        def abort(self) -> None: ...

    connections, link = Connections(), Link()
    connections.opened(link)
    assert connections.document()["h2"] == {"open": 1, "total": 1}
    connections.closed(link)
    connections.closed(link)
    assert connections.document() == {"h2": {"open": 0, "total": 1}, "h1": {"open": 0, "total": 0}}
