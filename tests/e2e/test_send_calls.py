"""The `send` function takes tasks from Cloud Tasks alone, and no task is repeated for ever."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from local.stack import Stack
from tests.e2e.bodies import MALFORMED
from tests.e2e.harness import PROBLEM_MEMBERS, TIMEOUT_SECONDS, Api, Cloud, Simulator, Tenant, content_of, fresh, problem_of, wait_for_status


def call_send(stack: Stack, **options: Any) -> requests.Response:
    return requests.post(f"{stack.urls['gateway']}/send/", timeout=TIMEOUT_SECONDS, **options)


@pytest.fixture
def bearer(stack: Stack, cloud: Cloud) -> dict[str, str]:
    """The header with which Cloud Tasks calls."""
    return {"Authorization": f"Bearer {cloud.identity_token(stack.environment['TASKS_SERVICE_ACCOUNT'], stack.environment['SEND_URL'])}"}


def refusal_of(answer: requests.Response, status: int) -> str:
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")
    problem = answer.json()
    assert problem.keys() == PROBLEM_MEMBERS
    return str(problem["detail"])


@pytest.mark.parametrize("header", [None, "", "Bearer", "Basic YTpi"])
def test_call_without_a_token_is_refused(stack: Stack, header: str | None) -> None:
    refusal_of(call_send(stack, json={}, headers={} if header is None else {"Authorization": header}), 401)


def test_invalid_tokens_are_never_told_apart(stack: Stack, cloud: Cloud, bearer: dict[str, str]) -> None:
    good = bearer["Authorization"].removeprefix("Bearer ")
    head, claims, signature = good.split(".")
    elsewhere = cloud.identity_token(stack.environment["TASKS_SERVICE_ACCOUNT"], "https://elsewhere.example")
    foreign_claims = elsewhere.split(".")[1]
    wrong = ["x", "a.b.c", "eyJhbGciOiJub25lIn0.e30.", f"{head}.{claims}.", f"{head}.{foreign_claims}.{signature}", elsewhere]
    details = {refusal_of(call_send(stack, json={}, headers={"Authorization": f"Bearer {token}"}), 401) for token in wrong}
    assert len(details) == 1


@pytest.mark.parametrize("account", ["SCHEDULER_SERVICE_ACCOUNT", "somebody"])
def test_token_of_another_account_is_refused(stack: Stack, cloud: Cloud, account: str) -> None:
    email = stack.environment.get(account, "somebody@example.iam.gserviceaccount.com")
    token = cloud.identity_token(email, stack.environment["SEND_URL"])
    detail = refusal_of(call_send(stack, json={}, headers={"Authorization": f"Bearer {token}"}), 403)
    assert email not in detail


@pytest.mark.parametrize("name", [*MALFORMED, "an empty object"])
def test_garbage_ends_with_200_and_makes_no_task(stack: Stack, cloud: Cloud, bearer: dict[str, str], name: str) -> None:
    before = cloud.task_count()
    answer = call_send(stack, data=MALFORMED.get(name, b"{}"), headers={"Content-Type": "application/json", **bearer})
    assert content_of(answer, 200) == {"result": "refused"}
    assert cloud.task_count() == before


@pytest.mark.parametrize(
    "task",
    [
        {"tenant": "a/b", "notification": "n", "chunk": 0},
        {"tenant": "a", "notification": "", "chunk": 0},
        {"tenant": "a", "notification": "n", "chunk": -1},
        {"tenant": "a", "notification": "n", "chunk": "0"},
        {"tenant": "a", "notification": "n", "chunk": True},
        {"tenant": "a", "notification": "n", "chunk": 0.5},
        {"tenant": "a", "notification": "n", "chunk": 10**30},
        {"tenant": 1, "notification": "n", "chunk": 0},
        {"tenant": "a", "notification": "n"},
        *({"tenant": "a", "notification": "n", "chunk": 0, "slot": slot} for slot in (None, "0", True, -1, 1e300, [0])),
        *({"tenant": "a", "notification": "n", "chunk": 0, "slot": 0, "generation": generation} for generation in ("1", 1.5, -1, True, 10**30)),
        *({"tenant": "a", "notification": "n", "chunk": 0, "slot": 0, "moves": moves} for moves in (None, "1", 0.5, -1, True, 10**30)),
    ],
    ids=str,
)
def test_task_that_names_no_chunk_ends_with_200(stack: Stack, bearer: dict[str, str], task: dict[str, Any]) -> None:
    assert content_of(call_send(stack, json=task, headers=bearer), 200) == {"result": "refused"}


def test_task_of_a_notification_that_the_tenant_has_not_sends_nothing(
    stack: Stack, tenant: Tenant, api: Api, stranger: Api, fcm: Simulator, bearer: dict[str, str]
) -> None:
    token = fresh("token")
    foreign = stranger.send({"targets": [{"token": token}]})
    wait_for_status(stranger, foreign)
    for notification in ("unknown", foreign):
        task = {"tenant": tenant.id, "notification": notification, "chunk": 0, "request_id": "x"}
        assert content_of(call_send(stack, json=task, headers=bearer), 200) == {"result": "finished"}
        problem_of(api.call("GET", f"/notifications/{notification}/"), 404)
    assert fcm.record(token)["attempts"] == 1


def test_task_of_a_delivered_chunk_sends_nothing_again(stack: Stack, tenant: Tenant, api: Api, fcm: Simulator, bearer: dict[str, str]) -> None:
    token = fresh("token")
    notification_id = api.send({"targets": [{"token": token}]})
    before = wait_for_status(api, notification_id)
    task = {"tenant": tenant.id, "notification": notification_id, "chunk": 0, "request_id": "x"}
    assert content_of(call_send(stack, json=task, headers=bearer), 200) == {"result": "finished"}
    assert fcm.record(token)["attempts"] == 1
    assert api.get(f"/notifications/{notification_id}/status/") == before
