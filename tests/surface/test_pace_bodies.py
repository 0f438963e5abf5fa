"""The pace of a broadcast as the API takes it: what is wrong, or belongs elsewhere, is named by its field."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from fanfare.domain.pace import Guard, Pace, Urgency, pace_of
from fanfare.services.topics import create_topic
from fanfare.web.api import build_api
from fanfare.web.fanout import build_fanout
from fanfare.web.fanout_tasks import Task, parse_task
from tests.factories import a_call
from tests.fakes import MemoryPoisonStore, ScriptedCallAuthenticator
from tests.surface.surface import CREDENTIALS, PREFIX, some_deps

EVERYONE: dict[str, Any] = {"to": {"everyone": True}, "title": "Hello"}
PACE: dict[str, Any] = {
    "spread_over_seconds": 60, "per_minute": 10, "urgency": "whenever", "ramp": [1, 100], "guard": {"max_error_share": 0.1, "max_dead_share": 1},
}  # fmt: skip


@pytest.fixture
def phone() -> FlaskClient:
    return build_api(some_deps()).test_client()


def refused(phone: FlaskClient, path: str, body: dict[str, Any]) -> set[str]:
    answer = phone.post(f"{PREFIX}{path}", json=body, headers=CREDENTIALS)
    assert answer.status_code == 400, answer.text
    return {error["field"] for error in answer.json["errors"]}  # type: ignore[index]


def test_pace_is_stored_as_it_was_said() -> None:
    deps = some_deps()
    answer = build_api(deps).test_client().post(f"{PREFIX}/notify", json={**EVERYONE, **PACE}, headers=CREDENTIALS)
    assert (answer.status_code, answer.json["status"]) == (202, "queued")  # type: ignore[index]
    stored = deps.notifications.get("acme", answer.json["id"])  # type: ignore[index]
    assert stored is not None
    assert pace_of(stored.request) == Pace(60, 10, Urgency.WHENEVER, (1, 100), Guard(0.1, 1.0))


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"ramp": [1, 50]}, "ramp"),
        ({"ramp": [50, 10, 100]}, "ramp"),
        ({"ramp": []}, "ramp"),
        ({"ramp": [0, 100]}, "ramp.0"),
        ({"per_minute": 0}, "per_minute"),
        ({"per_minute": 1.5}, "per_minute"),
        ({"spread_over_seconds": 90_000}, "spread_over_seconds"),
        ({"urgency": "soon"}, "urgency"),
        ({"guard": {"max_error_share": 2}}, "guard.max_error_share"),
        ({"guard": {"errors": 0.5}}, "guard.errors"),
        ({"fanout": "all"}, "fanout"),
        ({"fanout": "devices"}, "fanout"),
        ({"to": {"condition": " && ".join(f"'{name}' in topics" for name in "abcdef")}}, "to.condition"),
        ({"to": {"segment": {"colour": "red"}}}, "to.segment.colour"),
        ({"to": {"segment": {"app_version": ">=three"}}}, "to.segment.app_version"),
        ({"to": {"topic": "unknown"}, "fanout": "devices"}, "to.topic"),
    ],
)
def test_bad_pace_is_refused_by_its_field(phone: FlaskClient, fields: dict[str, Any], field: str) -> None:
    assert refused(phone, "/notify", {**EVERYONE, **fields}) == {field}


@pytest.mark.parametrize("to", [{"usernames": ["alice"]}, {"topic": "news"}, {"condition": "'a' in topics"}, {"targets": [{"token": "t"}]}])
def test_what_is_no_broadcast_has_no_pace(phone: FlaskClient, to: dict[str, Any]) -> None:
    assert refused(phone, "/notify", {"to": to, "title": "Hello", **PACE}) == set(PACE)


def test_message_to_a_topic_is_small_and_its_topic_is_known() -> None:
    deps = some_deps()
    phone = build_api(deps).test_client()
    create_topic(deps, a_call(), "news", None)
    assert refused(phone, "/notify/topic/unknown", {"title": "Hello"}) == {"name"}
    assert refused(phone, "/notify/topic/news", {"title": "Hello", "body": "x" * 2_048}) == {"body"}
    assert refused(phone, "/notify/topic/news", {"title": "Hello", "to": {"everyone": True}}) == {"to"}
    assert refused(phone, "/notify/topic/news", {"title": "Hello", "only": {"platform": ["ios"]}}) == {"only"}
    by_device = {"title": "Hello", "body": "x" * 2_048, "fanout": "devices", "only": {"platform": ["ios"]}, "ramp": [10, 100]}
    assert phone.post(f"{PREFIX}/notify/topic/news", json=by_device, headers=CREDENTIALS).status_code == 202


def test_request_to_a_topic_is_repeated_under_its_key() -> None:
    deps = some_deps()
    create_topic(deps, a_call(), "news", None)
    phone, headers = build_api(deps).test_client(), {**CREDENTIALS, "Idempotency-Key": "key"}
    first, again = (phone.post(f"{PREFIX}/notify/topic/news", json={"title": "Hello"}, headers=headers) for _ in range(2))
    assert first.json == again.json
    assert (first.headers.get("Idempotent-Replayed"), again.headers["Idempotent-Replayed"]) == (None, "true")
    assert phone.post(f"{PREFIX}/notify/topic/news", json={"title": "Other"}, headers=headers).status_code == 409


# The tasks of `fanout`


@pytest.mark.parametrize(
    ("content", "task"),
    [
        ({"work": "notification", "tenant": "acme", "notification": "n-1"}, Task("notification", "acme", "n-1")),
        ({"work": "audience", "tenant": "acme"}, Task("audience", "acme")),
        ({"work": "keepalive", "tenant": "acme"}, Task("keepalive", "acme")),
        ({"work": "topics", "tenant": "acme", "devices": ["d-1", "d-2"]}, Task("topics", "acme", device_ids=("d-1", "d-2"))),
        ({"work": "topics", "tenant": "acme", "devices": []}, Task("topics", "acme")),
    ],
)
def test_task_is_read(content: object, task: Task) -> None:
    assert parse_task(content) == task


@pytest.mark.parametrize(
    "content",
    [
        None,
        [],
        "audience",
        {},
        {"work": "audience"},
        {"work": "audience", "tenant": 1},
        {"work": "audience", "tenant": "a/b"},
        {"work": "notification", "tenant": "acme"},
        {"work": "notification", "tenant": "acme", "notification": "a/b"},
        {"work": "topics", "tenant": "acme"},
        {"work": "topics", "tenant": "acme", "devices": "d-1"},
        {"work": "topics", "tenant": "acme", "devices": ["d-1", 2]},
        {"work": "topics", "tenant": "acme", "devices": ["d"] * 1_001},
        {"work": "other", "tenant": "acme"},
    ],
)
def test_what_is_no_task_is_kept_as_poison_and_not_repeated(content: object) -> None:
    assert parse_task(content) is None
    poison = MemoryPoisonStore()
    headers = {"Authorization": "Bearer good", "X-CloudTasks-TaskName": "task-1"}
    callers = ScriptedCallAuthenticator({("fanout", "good"): None})
    answer = build_fanout(some_deps(poison=poison, call_authenticator=callers)).test_client().post("/", json=content, headers=headers)
    assert (answer.status_code, answer.json) == (200, {"result": "refused"})
    assert {place: found.reason for place, found in poison.refused.items()} == {("fanout", "task-1"): "names_no_work"}
