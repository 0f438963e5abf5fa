from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from local.fcm.application import Application
from local.fcm.connections import Connections
from local.fcm.exchange import Answer, Drop, Request
from local.fcm.faults import FaultBook
from local.fcm.inbox import Inbox
from local.fcm.subscriptions import MOST_TOPICS
from tests.discovery import violations

CREDENTIAL = {"authorization": "Bearer secret"}
TOKEN = "a/b:c.."


@pytest.fixture
def application() -> Application:
    return Application(Inbox(), FaultBook(), Connections())


def call(application: Application, method: str, path: str = "", *, token: str = TOKEN, headers: dict[str, str] | None = None) -> Answer:
    target = f"/v1/projects/demo/registrations/{quote(token, safe='')}/topicSubscriptions{path}"
    return application.handle(Request(method, target, CREDENTIAL if headers is None else headers, b"", "2"))


def content(answer: Answer, status: int = 200) -> Any:
    assert answer.status == status, answer.body
    return json.loads(answer.body)


def subscribed(application: Application) -> set[tuple[str, str]]:
    answer = application.handle(Request("GET", "/_sim/subscriptions?project=demo", {}, b"", "1.1"))
    return {(row["target"], row["topic"]) for row in json.loads(answer.body)["subscriptions"]}


def test_patch_subscribes_once_and_shows_what_the_discovery_document_describes(application: Application) -> None:
    first = content(call(application, "PATCH", "/news?allowMissing=true"))
    assert violations(first, "TopicSubscription") == []
    assert first["topicName"] == "news"
    assert content(call(application, "PATCH", "/news?allowMissing=true")) == first
    assert content(call(application, "GET", "/news")) == first
    assert subscribed(application) == {(TOKEN, "news")}


def test_patch_and_delete_of_what_is_missing_are_not_found_unless_that_is_allowed(application: Application) -> None:
    for method in ("PATCH", "DELETE", "GET"):
        error = content(call(application, method, "/news"), 404)["error"]
        assert (error["status"], "details" in error) == ("NOT_FOUND", False)
    assert content(call(application, "DELETE", "/news?allowMissing=true")) == {}
    assert subscribed(application) == set()


def test_create_subscribes_and_says_when_it_is_there_already(application: Application) -> None:
    assert content(call(application, "POST", "?topicName=news"))["topicName"] == "news"
    assert content(call(application, "POST", "?topicName=news"), 409)["error"]["status"] == "ALREADY_EXISTS"


def test_delete_unsubscribes(application: Application) -> None:
    call(application, "PATCH", "/news?allowMissing=true")
    assert content(call(application, "DELETE", "/news")) == {}
    assert subscribed(application) == set()


def test_a_list_is_paged(application: Application) -> None:
    assert content(call(application, "GET")) == {}
    for name in ("a", "b", "c"):
        call(application, "PATCH", f"/{name}?allowMissing=true")
    page = content(call(application, "GET", "?pageSize=2"))
    rest = content(call(application, "GET", f"?pageSize=2&pageToken={page['nextPageToken']}"))
    assert violations(page, "ListTopicSubscriptionsResponse") == []
    assert [row["topicName"] for row in (*page["topicSubscriptions"], *rest["topicSubscriptions"])] == ["a", "b", "c"]
    assert "nextPageToken" not in rest


def test_a_registration_has_no_more_topics_than_fcm_lets_it(application: Application) -> None:
    for number in range(MOST_TOPICS):
        call(application, "PATCH", f"/t{number}?allowMissing=true")
    assert content(call(application, "PATCH", "/one-more?allowMissing=true"), 400)["error"]["status"] == "FAILED_PRECONDITION"
    assert content(call(application, "PATCH", "/t7?allowMissing=true"))["topicName"] == "t7"


def test_what_is_no_topic_no_registration_or_has_no_credential_is_refused(application: Application) -> None:
    assert content(call(application, "PATCH", "/a%20b?allowMissing=true"), 400)["error"]["details"][1]["fieldViolations"][0]["field"] == "topic_name"
    assert content(call(application, "PATCH", "/news?allowMissing=true", token="a b"), 400)["error"]["details"][0]["errorCode"] == "INVALID_ARGUMENT"
    assert content(call(application, "PATCH", "/news?allowMissing=true", headers={}), 401)["error"]["status"] == "UNAUTHENTICATED"


def test_faults_of_a_registration_are_answered_instead(application: Application) -> None:
    rule = {"match": {"targets": [TOKEN], "kind": "subscription"}, "times": 1, "answer": {"error": "UNREGISTERED", "retry_after": 7}}
    application.handle(Request("POST", "/_sim/faults", {}, json.dumps(rule).encode(), "1.1"))
    failed = call(application, "PATCH", "/news?allowMissing=true")
    assert content(failed, 404)["error"]["details"][0]["errorCode"] == "UNREGISTERED"
    assert ("retry-after", "7") in failed.headers
    assert subscribed(application) == set()
    assert content(call(application, "PATCH", "/news?allowMissing=true"))["topicName"] == "news"


def test_a_dropped_answer_may_have_been_performed(application: Application) -> None:
    rule = {"answer": {"drop": "after"}, "times": 1}
    application.handle(Request("POST", "/_sim/faults", {}, json.dumps(rule).encode(), "1.1"))
    assert call(application, "PATCH", "/news?allowMissing=true").drop is Drop.CONNECTION
    assert subscribed(application) == {(TOKEN, "news")}
    assert application.handle(Request("DELETE", "/_sim/subscriptions", {}, b"", "1.1")).status == 204
    assert subscribed(application) == set()
