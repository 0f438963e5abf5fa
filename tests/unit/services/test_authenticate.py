from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from fanfare.domain.client import Scope
from fanfare.domain.errors import Forbidden, Unauthenticated, Unavailable
from fanfare.domain.id_token import TokenSubject, User
from fanfare.domain.refusal import RefusalReason, minute_of
from fanfare.ports import Deps
from fanfare.services.authenticate import authenticate_client, authenticate_user, authorize_client
from tests.factories import NOW, TENANT_ID, a_client, a_tenant, client_token
from tests.fakes import MemoryRefusalCounter, ScriptedUserAuthenticator, fake_deps

ADDRESS = "203.0.113.7"


def _deps(**fields: Any) -> Deps:
    deps = fake_deps()
    deps.clients.create(a_client(**fields))
    deps.clients.create(a_client(id="client-2"))
    return deps


def test_client_is_known_by_its_token() -> None:
    assert authenticate_client(_deps(), "client-1", client_token(), ADDRESS) == a_client()


def test_client_is_known_until_it_expires() -> None:
    expires_at = NOW + timedelta(microseconds=1)
    assert authenticate_client(_deps(expires_at=expires_at), "client-1", client_token(), ADDRESS).expires_at == expires_at


def _refusal(deps: Deps, client_id: str, token: str) -> tuple[type[Exception], str]:
    with pytest.raises(Unauthenticated) as refused:
        authenticate_client(deps, client_id, token, ADDRESS)
    return type(refused.value), refused.value.detail


@pytest.mark.parametrize(
    ("fields", "client_id", "token"),
    [
        ({}, "client-1", "wrong"),
        ({}, "client-1", client_token("client-2")),
        ({}, "client-1", client_token().upper()),
        ({}, "client-1", ""),
        ({}, "", client_token()),
        ({}, "nobody", client_token("nobody")),
        ({"expires_at": NOW}, "client-1", client_token()),
        ({"expires_at": NOW - timedelta(days=1)}, "client-1", client_token()),
        ({"revoked_at": NOW - timedelta(days=1)}, "client-1", client_token()),
        ({"ip_allowlist": ("198.51.100.0/24",)}, "client-1", client_token()),
    ],
)
def test_whoever_may_not_in_is_told_the_same(fields: dict[str, Any], client_id: str, token: str) -> None:
    assert _refusal(_deps(**fields), client_id, token) == _refusal(_deps(), "unknown", "unknown")


@pytest.mark.parametrize(
    ("client_id", "token", "counted"),
    [
        ("client-1", "wrong", (TENANT_ID, "client-1", RefusalReason.WRONG_TOKEN)),
        ("nobody", client_token("nobody"), ("platform", "unknown", RefusalReason.UNKNOWN_CLIENT)),
    ],
)
def test_refusal_is_counted_by_client_and_minute(client_id: str, token: str, counted: tuple[str, str, RefusalReason]) -> None:
    refusals = MemoryRefusalCounter()
    deps = replace(_deps(), refusals=refusals)
    for _ in range(3):
        _refusal(deps, client_id, token)
    assert refusals.counts == {(*counted, minute_of(NOW)): 3}


def test_missing_credential_is_nobodys_refusal() -> None:
    refusals = MemoryRefusalCounter()
    _refusal(replace(_deps(), refusals=refusals), "", "")
    assert not refusals.counts


def test_missing_scope_is_refused_and_counted() -> None:
    refusals = MemoryRefusalCounter()
    deps, client = replace(_deps(), refusals=refusals), a_client(scopes=frozenset({Scope.READ}))
    authorize_client(deps, client, {Scope.READ})
    with pytest.raises(Forbidden):
        authorize_client(deps, client, {Scope.SEND})
    assert refusals.counts == {(TENANT_ID, "client-1", RefusalReason.SCOPE, minute_of(NOW)): 1}


TOKENS = ScriptedUserAuthenticator(
    {"own": TokenSubject("acme-app", "uid-1"), "foreign": TokenSubject("foreign-app", "uid-1"), "out": Unavailable("Google does not answer.")}
)


def _user_deps(**fields: Any) -> Deps:
    deps = fake_deps(users=TOKENS, refusals=MemoryRefusalCounter())
    deps.tenants.create(a_tenant(**fields))
    return deps


def _reasons(deps: Deps) -> dict[tuple[str, str, RefusalReason], int]:
    assert isinstance(deps.refusals, MemoryRefusalCounter)
    return {key[:3]: number for key, number in deps.refusals.counts.items()}


def test_user_belongs_to_the_tenant_that_owns_the_tokens_project() -> None:
    deps = _user_deps()
    assert authenticate_user(deps, "own") == User(TENANT_ID, "uid-1")
    assert _reasons(deps) == {}


def test_bad_token_and_foreign_project_are_told_the_same_and_counted_apart() -> None:
    deps, said = _user_deps(), set()
    for token in ("foreign", "nonsense"):
        with pytest.raises(Unauthenticated) as refused:
            authenticate_user(deps, token)
        said.add(refused.value.detail)
    assert len(said) == 1
    assert _reasons(deps) == {("platform", "user", RefusalReason.PROJECT): 1, ("platform", "user", RefusalReason.ID_TOKEN): 1}


def test_project_whose_credential_was_never_verified_opens_nothing() -> None:
    deps = _user_deps(credential_version=None)
    with pytest.raises(Unauthenticated):
        authenticate_user(deps, "own")


def test_project_that_a_tenant_has_left_opens_nothing_any_more() -> None:
    deps = _user_deps()
    deps.tenants.update(TENANT_ID, lambda tenant: replace(tenant, firebase_project_id="acme-next"))
    with pytest.raises(Unauthenticated):
        authenticate_user(deps, "own")


def test_outage_is_not_counted_against_anybody() -> None:
    deps = _user_deps()
    with pytest.raises(Unavailable):
        authenticate_user(deps, "out")
    assert _reasons(deps) == {}
