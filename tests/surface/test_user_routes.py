"""What an app's user may do with a Firebase ID token, and how the user is counted and named."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from fanfare.domain.call import ActorKind
from fanfare.domain.errors import Unavailable
from fanfare.domain.id_token import TokenSubject, User
from fanfare.domain.limits import DEFAULT_LIMITS, LimitGroup
from fanfare.domain.refusal import RefusalReason
from fanfare.ports import Deps
from fanfare.web.api import build_api
from fanfare.web.gate import Access
from tests.factories import NOW, TENANT_ID, a_client, client_token
from tests.fakes import MemoryAuditStore, MemoryRefusalCounter, ScriptedUserAuthenticator
from tests.surface.surface import BEARER, CREDENTIALS, PREFIX, USER_TOKEN, all_routes, some_deps, stored

FOR_USERS = {
    ("POST", f"{PREFIX}/devices"),
    ("GET", f"{PREFIX}/devices/x"),
    ("PUT", f"{PREFIX}/devices/x"),
    ("DELETE", f"{PREFIX}/devices/x"),
    ("POST", f"{PREFIX}/keepalive-reply"),
    ("POST", f"{PREFIX}/receipts"),
    ("POST", f"{PREFIX}/stream-token"),
}
PHONE = {"token": "phone-token"}
OTHER = {"Authorization": "Bearer other.users.token"}
STRANGER = {"Authorization": "Bearer strangers.project.token"}


@pytest.fixture
def deps() -> Deps:
    subjects = {
        USER_TOKEN: TokenSubject(f"{TENANT_ID}-app", "uid-1"),
        "other.users.token": TokenSubject(f"{TENANT_ID}-app", "uid-2"),
        "namesake.token": TokenSubject("globex-app", "uid-1"),
        "strangers.project.token": TokenSubject("somebody-elses-app", "uid-1"),
        "outage": Unavailable("Google's certificate service does not answer."),
    }
    return some_deps(users=ScriptedUserAuthenticator(subjects), audit=MemoryAuditStore(), refusals=MemoryRefusalCounter())


@pytest.fixture
def phone(deps: Deps) -> FlaskClient:
    return build_api(deps).test_client()


def register(phone: FlaskClient, headers: dict[str, str], status: int = 201, **fields: Any) -> Any:
    answer = phone.post(f"{PREFIX}/devices", json={**PHONE, **fields}, headers=headers)
    assert answer.status_code == status, answer.text
    return answer.json


def test_these_routes_are_for_users_and_no_others(phone: FlaskClient) -> None:
    app = phone.application
    marked = {
        (method, path.replace("<id>", "x"))
        for rule in app.url_map.iter_rules()
        for path in [rule.rule]
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if isinstance(access := getattr(app.view_functions[rule.endpoint], "access", None), Access) and access.users
    }
    assert marked == FOR_USERS


def test_a_token_opens_nothing_else(deps: Deps, phone: FlaskClient) -> None:
    before = stored(deps)
    closed = {route for route in all_routes(frozenset({"GET", "POST", "PUT", "DELETE"})) if route not in FOR_USERS}
    opened = {(method, path) for method, path in closed if phone.open(path, method=method, headers=BEARER).status_code != 401}
    assert opened == {("GET", f"{PREFIX}{path}") for path in ("/docs", "/docs/scalar.js", "/health", "/health/live", "/openapi.json")}
    assert stored(deps) == before


def test_user_registers_sees_changes_and_deletes_their_own_device(phone: FlaskClient) -> None:
    path = f"{PREFIX}/devices/{register(phone, BEARER)['id']}"
    assert phone.get(path, headers=BEARER).status_code == 200
    assert phone.put(path, json={"app_version": "2.0"}, headers=BEARER).json["app_version"] == "2.0"
    assert phone.delete(path, headers=BEARER).status_code == 204
    assert phone.get(path, headers=BEARER).status_code == 404


def test_another_users_device_is_not_there(phone: FlaskClient) -> None:
    path = f"{PREFIX}/devices/{register(phone, BEARER)['id']}"
    namesake = {"Authorization": "Bearer namesake.token"}
    for headers in (OTHER, namesake):
        assert phone.get(path, headers=headers).status_code == 404
        assert phone.put(path, json={"app_version": "2.0"}, headers=headers).status_code == 404
        assert phone.delete(path, headers=headers).status_code == 404
    assert phone.get(path, headers=BEARER).json["app_version"] is None


def test_audit_names_the_user(deps: Deps, phone: FlaskClient) -> None:
    register(phone, {**BEARER, "X-Request-ID": "phone-1", "X-Forwarded-For": "203.0.113.9"})
    assert isinstance(deps.audit, MemoryAuditStore)
    actors = [entry.actor for tenant, entry in deps.audit.entries if tenant == TENANT_ID and entry.action == "device.registered"]
    assert [(actor.kind, actor.id, actor.address, actor.request_id) for actor in actors] == [
        (ActorKind.USER, User(TENANT_ID, "uid-1").actor_id, "203.0.113.9", "phone-1")
    ]


def test_each_user_has_a_limit_of_their_own(phone: FlaskClient) -> None:
    limit = DEFAULT_LIMITS[LimitGroup.DEVICES]
    remaining = []
    for _ in range(limit):
        answer = phone.post(f"{PREFIX}/devices", json=PHONE, headers=BEARER)
        assert answer.status_code in {200, 201}
        remaining.append(answer.headers["RateLimit"])
    assert remaining[0].startswith(f'"devices";r={limit - 1};t=')
    refused = phone.post(f"{PREFIX}/devices", json=PHONE, headers=BEARER)
    assert (refused.status_code, refused.json["code"], "Retry-After" in refused.headers) == (429, "rate_limited", True)
    register(phone, OTHER, token="other-phone")
    assert phone.post(f"{PREFIX}/devices", json={"token": "x", "username": "y"}, headers=CREDENTIALS).status_code == 201


def test_an_idempotency_key_is_the_users_own(deps: Deps, phone: FlaskClient) -> None:
    # A tenant may give its users any uid, also one that is the id of a client.
    deps.clients.create(a_client(id="uid-1", last_used_at=NOW))
    namesake = {"Client-ID": "uid-1", "Client-Token": client_token("uid-1")}
    key, body = {"Idempotency-Key": "key-1"}, {"token": "phone", "username": "alice"}
    by_client = phone.post(f"{PREFIX}/devices", json=body, headers={**namesake, **key})
    by_user = phone.post(f"{PREFIX}/devices", json=body, headers={**BEARER, **key})
    assert (by_client.status_code, by_user.status_code, "Idempotent-Replayed" in by_user.headers) == (201, 403, False)
    body = {"token": "own-phone"}
    key = {"Idempotency-Key": "key-2"}
    first = phone.post(f"{PREFIX}/devices", json=body, headers={**BEARER, **key})
    again = phone.post(f"{PREFIX}/devices", json=body, headers={**BEARER, **key})
    assert (first.status_code, again.headers.get("Idempotent-Replayed"), again.json) == (201, "true", first.json)
    others = phone.post(f"{PREFIX}/devices", json=body, headers={**OTHER, **key})
    assert "Idempotent-Replayed" not in others.headers


WRONG = {
    "an unknown token": {"Authorization": "Bearer nobodys.id.token"},
    "a project of nobody here": STRANGER,
    "a client's token": {"Authorization": f"Bearer {CREDENTIALS['Client-Token']}"},
    "an empty token": {"Authorization": "Bearer "},
    "no token": {"Authorization": "Bearer"},
}


@pytest.mark.parametrize("name", WRONG)
def test_whatever_is_wrong_with_a_token_the_answer_is_the_same(deps: Deps, phone: FlaskClient, name: str) -> None:
    before = stored(deps)
    usual = phone.post(f"{PREFIX}/devices", json=PHONE, headers={"Authorization": "Bearer x.y.z", "X-Request-ID": "same"})
    answer = phone.post(f"{PREFIX}/devices", json=PHONE, headers={**WRONG[name], "X-Request-ID": "same"})
    assert (answer.status_code, answer.data, list(answer.headers)) == (401, usual.data, list(usual.headers))
    assert answer.headers.getlist("WWW-Authenticate") == ['Client-Token realm="fanfare"', 'Bearer realm="fanfare"']
    assert stored(deps) == before


def test_refused_tokens_are_counted(deps: Deps, phone: FlaskClient) -> None:
    for headers in (*WRONG.values(), WRONG["a project of nobody here"]):
        phone.post(f"{PREFIX}/devices", json=PHONE, headers=headers)
    assert isinstance(deps.refusals, MemoryRefusalCounter)
    counted = {(tenant, client, reason): number for (tenant, client, reason, _), number in deps.refusals.counts.items()}
    assert counted == {("platform", "user", RefusalReason.ID_TOKEN): 4, ("platform", "user", RefusalReason.PROJECT): 2}


@pytest.mark.parametrize("extra", [CREDENTIALS, {"Client-ID": "client-1"}, {"Client-Token": "x"}])
def test_two_credentials_at_once_are_refused_before_either_is_looked_at(deps: Deps, phone: FlaskClient, extra: dict[str, str]) -> None:
    before = stored(deps)
    answer = phone.post(f"{PREFIX}/devices", json={**PHONE, "username": "x"}, headers={**BEARER, **extra})
    assert (answer.status_code, [error["field"] for error in answer.json["errors"]]) == (400, ["Authorization"])
    assert stored(deps) == before


def test_a_bearer_token_is_nothing_where_users_have_no_business(phone: FlaskClient) -> None:
    assert phone.get(f"{PREFIX}/devices", headers={**CREDENTIALS, "Authorization": "Bearer of-some-proxy"}).status_code == 200
    assert phone.post(f"{PREFIX}/devices", json={**PHONE, "username": "x"}, headers={**CREDENTIALS, "Authorization": "Basic eDp5"}).status_code == 201


def test_google_being_down_is_no_refusal(deps: Deps, phone: FlaskClient) -> None:
    answer = phone.post(f"{PREFIX}/devices", json=PHONE, headers={"Authorization": "Bearer outage"})
    assert (answer.status_code, answer.json["code"], "Retry-After" in answer.headers) == (503, "unavailable", True)
    assert isinstance(deps.refusals, MemoryRefusalCounter)
    assert not deps.refusals.counts
