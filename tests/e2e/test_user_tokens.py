"""An app on a phone registers, refreshes and deletes its user's own devices with a Firebase ID token, and nothing else."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from json import dumps, loads
from typing import Any

import pytest

from fanfare.domain.audit import AuditEntry
from fanfare.domain.call import ActorKind
from fanfare.domain.filters import AuditFilter
from fanfare.domain.id_token import User
from local.stack import Stack
from tests.e2e.auth_emulator import SignedIn, sign_in_new_user
from tests.e2e.harness import Api, Cloud, Simulator, Tenant, content_of, fresh, problem_of


@pytest.fixture
def phone(stack: Stack) -> Iterator[Api]:
    """An app that holds no Client-Token."""
    with Api(stack.urls["gateway"]) as api:
        yield api


@pytest.fixture
def user(stack: Stack, tenant: Tenant) -> SignedIn:
    return sign_in_new_user(stack, tenant.project)


def register(phone: Api, user: SignedIn, **fields: Any) -> Any:
    return phone.post("/devices/", {"token": fresh("token"), **fields}, 201, headers=user.headers)


def changed(user: SignedIn, **claims: Any) -> dict[str, Any]:
    """What the user's token says, with other claims."""
    payload = user.token.split(".")[1]
    return {**loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4))), **claims}


def unsigned(claims: dict[str, Any]) -> str:
    """A token as the emulator makes it."""
    parts = ({"alg": "none", "typ": "JWT"}, claims)
    return ".".join(urlsafe_b64encode(dumps(part).encode()).rstrip(b"=").decode() for part in parts) + "."


def test_device_of_a_user_gets_what_is_sent_to_the_user(phone: Api, user: SignedIn, api: Api, cloud: Cloud, fcm: Simulator) -> None:
    token = fresh("token")
    device = register(phone, user, token=token, app_version="1.0")
    (profile,) = api.get("/profiles/", params={"external_id": user.uid})["items"]
    api.send({"profile_ids": [profile["id"]]})
    cloud.wait_idle()
    assert fcm.only_message(token)["notification"]["title"] == "Hello"
    assert api.get(f"/devices/{device['id']}")["app_version"] == "1.0"


def test_user_refreshes_and_deletes_their_own_device(phone: Api, user: SignedIn, api: Api) -> None:
    path = f"/devices/{register(phone, user)['id']}"
    renewed = content_of(phone.call("PUT", path, json={"token": fresh("token-renewed"), "app_version": "2.0"}, headers=user.headers), 200)
    assert (renewed["app_version"], phone.get(path, headers=user.headers)["app_version"]) == ("2.0", "2.0")
    content_of(phone.call("DELETE", path, headers=user.headers), 204)
    problem_of(phone.call("GET", path, headers=user.headers), 404)
    problem_of(api.call("GET", path), 404)


def test_device_of_somebody_else_is_not_there(phone: Api, user: SignedIn, stack: Stack, tenant: Tenant, own_tenant: Tenant, api: Api) -> None:
    own = f"/devices/{register(phone, user)['id']}"
    of_a_client = f"/devices/{api.register()['id']}"
    others = (sign_in_new_user(stack, tenant.project), sign_in_new_user(stack, own_tenant.project))
    for path, strangers in ((own, others), (of_a_client, (user, *others))):
        for stranger in strangers:
            for method, body in (("GET", None), ("PUT", {"app_version": "9"}), ("DELETE", None)):
                unknown = problem_of(phone.call(method, "/devices/not-there-at-all", json=body, headers=stranger.headers), 404)
                problem = problem_of(phone.call(method, path, json=body, headers=stranger.headers), 404)
                assert (problem["code"], problem["detail"]) == (unknown["code"], unknown["detail"])
    assert api.get(own)["app_version"] is None


def test_a_users_token_opens_no_other_route(phone: Api, user: SignedIn) -> None:
    for method, path in (
        ("GET", "/devices"),
        ("POST", "/devices/bulk"),
        ("POST", "/notify"),
        ("GET", "/profiles"),
        ("POST", "/profiles"),
        ("GET", "/notifications/x"),
        ("GET", "/audit"),
        ("GET", "/health/ready"),
    ):
        problem_of(phone.call(method, path, json={"to": {"topic": "x"}} if method == "POST" else None, headers=user.headers), 401)


def test_audit_names_user_and_request(phone: Api, user: SignedIn, tenant: Tenant) -> None:
    device = phone.post("/devices/", {"token": fresh("token")}, 201, headers={**user.headers, "X-Request-ID": "from-a-phone"})
    entries = [row.entry for row in tenant.deps.audit.list(tenant.id, AuditFilter(resource_id=device["id"]), 10, None).items]
    (registered,) = [entry for entry in entries if entry.action == "device.registered"]
    assert isinstance(registered, AuditEntry)
    assert (registered.actor.kind, registered.actor.id, registered.actor.request_id) == (
        ActorKind.USER,
        User(tenant.id, user.uid).actor_id,
        "from-a-phone",
    )
    assert registered.actor.address == "127.0.0.1"


def test_repeat_is_answered_again_and_to_the_same_user_alone(phone: Api, user: SignedIn, stack: Stack, tenant: Tenant) -> None:
    body, key = {"token": fresh("token")}, {"Idempotency-Key": fresh("key")}
    first = phone.call("POST", "/devices/", json=body, headers={**user.headers, **key})
    again = phone.call("POST", "/devices/", json=body, headers={**user.headers, **key})
    assert (content_of(again, 201), again.headers["Idempotent-Replayed"]) == (content_of(first, 201), "true")
    other = phone.call("POST", "/devices/", json=body, headers={**sign_in_new_user(stack, tenant.project).headers, **key})
    assert "Idempotent-Replayed" not in other.headers


def test_limits_are_told_by_user(phone: Api, user: SignedIn, stack: Stack, tenant: Tenant) -> None:
    for who in (user, sign_in_new_user(stack, tenant.project)):
        answer = phone.call("POST", "/devices/", json={"token": fresh("token")}, headers=who.headers)
        assert answer.headers["RateLimit-Policy"] == '"devices";q=50;w=60'
        assert answer.headers["RateLimit"].startswith('"devices";r=49;t=')


def wrong_tokens(user: SignedIn, api: Api) -> dict[str, str]:
    """Tokens that are none here."""
    now = int(changed(user)["iat"])
    header, payload, _ = user.token.split(".")
    return {
        "of a project of nobody": unsigned(changed(user, aud="nobodys-app", iss="https://securetoken.google.com/nobodys-app")),
        "of a project that it was not issued for": unsigned(changed(user, aud="nobodys-app")),
        "expired": unsigned(changed(user, exp=now - 600, iat=now - 4_200, auth_time=now - 4_200)),
        "not yet valid": unsigned(changed(user, iat=now + 600)),
        "of no user": unsigned(changed(user, sub="")),
        "said to be signed": ".".join([urlsafe_b64encode(b'{"alg":"RS256","kid":""}').decode().rstrip("="), payload, ""]),
        "cut off": f"{header}.{payload}",
        "of a client": api.headers["Client-Token"],
        "garbage": "garbage",
        "as long as a header may be": "x" * 8_150,
    }


def test_wrong_tokens_are_never_told_apart_and_register_nothing(phone: Api, user: SignedIn, api: Api) -> None:
    token, answers = fresh("never"), set()
    for wrong in wrong_tokens(user, api).values():
        answer = phone.call("POST", "/devices/", json={"token": token}, headers={"Authorization": f"Bearer {wrong}", "X-Request-ID": "same"})
        problem_of(answer, 401)
        answers.add((answer.text, answer.headers["WWW-Authenticate"]))
    assert len(answers) == 1
    problem_of(api.call("POST", "/devices/lookup", json={"token": token}), 404)


def test_two_credentials_are_one_too_many(phone: Api, user: SignedIn, api: Api) -> None:
    problem = problem_of(phone.call("POST", "/devices/", json={"token": fresh("token")}, headers={**user.headers, **api.headers}), 400)
    assert [error["field"] for error in problem["errors"]] == ["Authorization"]


def test_tokens_are_in_no_log(phone: Api, user: SignedIn, api: Api, stack: Stack) -> None:
    wrong = wrong_tokens(user, api)["expired"]
    register(phone, user)
    phone.call("POST", "/devices/", json={"token": fresh("token")}, headers={"Authorization": f"Bearer {wrong}"})
    written = stack.log("api").read_text(encoding="utf-8") + stack.log("gateway").read_text(encoding="utf-8")
    assert [secret for secret in (user.token.split(".")[1], wrong.split(".")[1]) if secret in written] == []
