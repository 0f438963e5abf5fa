"""API clients: which token opens one, until when, and what it may do."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfare.domain.client import TENANT_SCOPES, Scope, check_scope, format_token, hash_token, named_client, refusal_of
from fanfare.domain.errors import Forbidden
from fanfare.domain.refusal import RefusalReason
from tests.factories import NOW, a_client, client_token

SECOND = timedelta(seconds=1)


def test_token_begins_with_its_clients_id() -> None:
    assert format_token("client-1", "secret") == "client-1.secret"


@given(st.text())
def test_stored_hash_is_sha256_and_not_the_token(token: str) -> None:
    assert hash_token(token) == hashlib.sha256(token.encode()).hexdigest()


def test_half_a_surrogate_pair_in_a_token_is_hashed_and_not_a_crash() -> None:
    assert refusal_of(a_client(), "\ud800", "", NOW) is RefusalReason.WRONG_TOKEN


def test_own_token_opens_the_client() -> None:
    assert refusal_of(a_client(id="c9"), client_token("c9"), "", NOW) is None


@pytest.mark.parametrize("token", ["", "client-1", "client-1.", client_token("client-2"), client_token() + "x", client_token().upper()])
def test_another_token_does_not(token: str) -> None:
    assert refusal_of(a_client(), token, "", NOW) is RefusalReason.WRONG_TOKEN


@pytest.mark.parametrize(
    ("expires_at", "reason"),
    [(None, None), (NOW + SECOND, None), (NOW, RefusalReason.EXPIRED), (NOW - SECOND, RefusalReason.EXPIRED)],
)
def test_token_ends_at_the_instant_of_its_expiry(expires_at: datetime | None, reason: RefusalReason | None) -> None:
    assert refusal_of(a_client(expires_at=expires_at), client_token(), "", NOW) is reason


@pytest.mark.parametrize("revoked_at", [NOW - SECOND, NOW])
def test_revoked_client_is_not_opened_by_its_token(revoked_at: datetime) -> None:
    assert refusal_of(a_client(revoked_at=revoked_at), client_token(), "", NOW) is RefusalReason.REVOKED


@pytest.mark.parametrize(
    ("valid_until", "reason"),
    [(NOW + SECOND, None), (NOW, RefusalReason.GRACE_OVER), (None, RefusalReason.GRACE_OVER)],
)
def test_token_before_the_rotation_opens_until_its_grace_ends(valid_until: datetime | None, reason: RefusalReason | None) -> None:
    rotated = a_client(token_hash=hash_token("client-1.new"), previous_token_hash=hash_token(client_token()), previous_valid_until=valid_until)
    assert refusal_of(rotated, client_token(), "", NOW) is reason
    assert refusal_of(rotated, "client-1.new", "", NOW) is None


@pytest.mark.parametrize(
    ("ranges", "address", "reason"),
    [
        ((), "", None),
        (("203.0.113.0/24",), "203.0.113.7", None),
        (("203.0.113.0/24",), "198.51.100.7", RefusalReason.ADDRESS),
        (("203.0.113.0/24",), "", RefusalReason.ADDRESS),
    ],
)
def test_client_with_an_allowlist_is_opened_from_its_addresses_alone(ranges: tuple[str, ...], address: str, reason: RefusalReason | None) -> None:
    assert refusal_of(a_client(ip_allowlist=ranges), client_token(), address, NOW) is reason


def test_wrong_token_is_refused_as_such_whatever_the_client_is() -> None:
    ended = a_client(revoked_at=NOW, expires_at=NOW, ip_allowlist=("203.0.113.0/24",))
    assert refusal_of(ended, "wrong", "", NOW) is RefusalReason.WRONG_TOKEN


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


@pytest.mark.parametrize("stored", ["", "\u043a\u043b\u044e\u0447", "\ud800", "x" * 10_000])
def test_hash_that_a_hand_has_broken_opens_nothing_and_breaks_nothing(stored: str) -> None:
    broken = a_client(token_hash=stored, previous_token_hash=stored, previous_valid_until=NOW + SECOND)
    assert refusal_of(broken, client_token(), "", NOW) is RefusalReason.WRONG_TOKEN


@pytest.mark.parametrize(
    ("token", "named"),
    [(client_token("client-1"), "client-1"), ("a.b.c", "a"), ("no-prefix", ""), (".secret", ""), ("", "")],
)
def test_token_names_its_client_by_its_prefix(token: str, named: str) -> None:
    assert named_client(token) == named
