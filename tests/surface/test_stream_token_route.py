"""`POST /stream-token`: what each credential gets, and what it is refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from flask.testing import FlaskClient

from fanfare.domain.client import Scope
from fanfare.domain.stream_token import LIFE, Listener, claims_of
from fanfare.ports import Deps
from fanfare.web.api import build_api
from tests.factories import NOW, TENANT_ID, a_client, client_token
from tests.surface.surface import BEARER, PREFIX, some_deps
from tests.unit.services.seeding import add_profile

PATH = f"{PREFIX}/stream-token"
READ, ADMIN = frozenset({Scope.READ}), frozenset({Scope.READ, Scope.ADMIN})


@pytest.fixture
def deps() -> Deps:
    """Alice, who is the user of the bearer token, Bob, and two clients."""
    deps = some_deps()
    add_profile(deps, "alice", external_id="uid-1")
    add_profile(deps, "bob")
    add_profile(deps, "carol", tenant="globex")
    for name, scopes in (("reader", READ), ("admin", ADMIN), ("only-admin", ADMIN - READ), ("sender", frozenset({Scope.SEND}))):
        deps.clients.create(a_client(id=name, scopes=scopes, last_used_at=NOW))
    return deps


@pytest.fixture
def phone(deps: Deps) -> FlaskClient:
    return build_api(deps).test_client()


def by(client: str) -> dict[str, str]:
    return {"Client-ID": client, "Client-Token": client_token(client)}


def ask(phone: FlaskClient, headers: Mapping[str, str], body: Any, status: int = 200) -> Any:
    answer = phone.post(PATH, json=body, headers=headers)
    assert answer.status_code == status, answer.text
    return answer.json


def claims(answer: Any) -> Any:
    return json.loads(answer["token"])["claims"]


@pytest.mark.parametrize(
    ("headers", "body"),
    [(by("reader"), {"profile_id": "alice"}), (by("admin"), {"profile_id": "alice"}), (BEARER, {}), (BEARER, {"profile_id": "alice"})],
)
def test_profiles_token_is_for_its_client_and_its_user(phone: FlaskClient, headers: dict[str, str], body: Any) -> None:
    answer = ask(phone, headers, body)
    assert claims(answer) == claims_of(Listener(TENANT_ID, "alice"), NOW + LIFE)
    assert {name: value for name, value in answer.items() if name != "token"} == {
        "expires_at": (NOW + LIFE).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "project_id": "our-project",
        "database": "(default)",
    }


@pytest.mark.parametrize("body", [{}, {"profile_id": None}])
def test_token_of_the_tenant_is_for_an_admin_who_may_read(phone: FlaskClient, body: Any) -> None:
    assert claims(ask(phone, by("admin"), body)) == claims_of(Listener(TENANT_ID), NOW + LIFE)
    assert [ask(phone, by(name), body, 403)["code"] for name in ("reader", "only-admin", "sender")] == ["forbidden"] * 3


@pytest.mark.parametrize(
    ("headers", "profile", "status"),
    [
        (by("reader"), "nobody", 404),
        (by("reader"), "carol", 404),
        (BEARER, "bob", 403),
        (BEARER, "nobody", 403),
        (BEARER, "carol", 403),
        (by("sender"), "alice", 403),
        (by("only-admin"), "alice", 403),
        ({}, "alice", 401),
        ({**by("reader"), **BEARER}, "alice", 400),
    ],
)
def test_everything_else_is_refused_and_begins_no_writing(phone: FlaskClient, deps: Deps, headers: dict[str, str], profile: str, status: int) -> None:
    ask(phone, headers, {"profile_id": profile}, status)
    tenant = deps.tenants.get(TENANT_ID)
    assert tenant is not None
    assert tenant.listening.readers == {}


@pytest.mark.parametrize(("body", "field"), [({"profile_id": "a/b"}, "profile_id"), ({"profile_id": 7}, "profile_id"), ({"profile": "x"}, "profile")])
def test_wrong_field_is_named(phone: FlaskClient, body: Any, field: str) -> None:
    assert [error["field"] for error in ask(phone, by("admin"), body, 400)["errors"]] == [field]
