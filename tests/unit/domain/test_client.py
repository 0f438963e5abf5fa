"""API clients: which token opens one, until when, and what it may do."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfare.domain.client import TENANT_SCOPES, Scope, check_scope, format_token, hash_token, is_token_valid
from fanfare.domain.errors import Forbidden
from tests.factories import NOW, a_client, client_token

SECOND = timedelta(seconds=1)


def test_token_begins_with_its_clients_id() -> None:
    assert format_token("client-1", "secret") == "client-1.secret"


@given(st.text())
def test_stored_hash_is_sha256_and_not_the_token(token: str) -> None:
    assert hash_token(token) == hashlib.sha256(token.encode()).hexdigest()


def test_half_a_surrogate_pair_in_a_token_is_hashed_and_not_a_crash() -> None:
    assert not is_token_valid(a_client(), "\ud800", NOW)


def test_own_token_opens_the_client() -> None:
    assert is_token_valid(a_client(id="c9"), client_token("c9"), NOW)


@pytest.mark.parametrize("token", ["", "client-1", "client-1.", client_token("client-2"), client_token() + "x", client_token().upper()])
def test_another_token_does_not(token: str) -> None:
    assert not is_token_valid(a_client(), token, NOW)


@pytest.mark.parametrize(
    ("expires_at", "valid"),
    [(None, True), (NOW + SECOND, True), (NOW, False), (NOW - SECOND, False)],
)
def test_token_ends_at_the_instant_of_its_expiry(expires_at: datetime | None, valid: bool) -> None:  # noqa: FBT001 - a table's column
    assert is_token_valid(a_client(expires_at=expires_at), client_token(), NOW) is valid


@pytest.mark.parametrize("revoked_at", [NOW - SECOND, NOW])
def test_revoked_client_is_not_opened_by_its_token(revoked_at: datetime) -> None:
    assert not is_token_valid(a_client(revoked_at=revoked_at), client_token(), NOW)


@pytest.mark.parametrize("scope", Scope)
def test_client_may_do_only_what_its_scopes_say(scope: Scope) -> None:
    check_scope(a_client(scopes=frozenset({scope})), {scope})
    with pytest.raises(Forbidden) as refused:
        check_scope(a_client(scopes=frozenset(Scope) - {scope}), {scope})
    assert refused.value.scope == scope
    assert scope in refused.value.detail


def test_one_of_several_scopes_is_enough() -> None:
    wanted = (Scope.READ, Scope.PLATFORM)
    check_scope(a_client(scopes=frozenset({Scope.PLATFORM, Scope.SEND})), wanted)
    with pytest.raises(Forbidden) as refused:
        check_scope(a_client(scopes=frozenset({Scope.SEND})), wanted)
    assert refused.value.scope == "read or platform"


def test_scopes_have_their_public_names() -> None:
    assert sorted(Scope) == ["admin", "devices", "platform", "read", "send", "templates", "webhooks"]


def test_scopes_of_a_tenant_do_not_make_tenants() -> None:
    assert frozenset(Scope) - TENANT_SCOPES == {Scope.PLATFORM}
    with pytest.raises(Forbidden):
        check_scope(a_client(scopes=TENANT_SCOPES), {Scope.PLATFORM})
