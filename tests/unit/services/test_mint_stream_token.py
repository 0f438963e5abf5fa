"""Who gets a token to listen in Firestore, and when documents to listen to begin."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from fanfare.domain.audit import Trail
from fanfare.domain.call import Call
from fanfare.domain.errors import Forbidden, NotFound, Unavailable
from fanfare.domain.event import EventKind
from fanfare.domain.filters import AuditFilter
from fanfare.domain.listening import PUBLIC, READER_STAYS, Listening, is_read
from fanfare.domain.stream_token import LIFE, CustomToken, Listener, StreamToken, claims_of
from fanfare.domain.tenant import Tenant
from fanfare.ports import Deps
from fanfare.services.change_profile import delete_profile, erase_profile
from fanfare.services.mint_stream_token import mint_profile_token, mint_tenant_token, mint_user_token
from tests.factories import NOW, TENANT_ID, a_call, a_tenant
from tests.fakes import FixedClock, MemoryTenantStore, fake_deps
from tests.unit.services.seeding import add_profile

KIND = EventKind.NOTIFICATION_SENT


class CountingTenants(MemoryTenantStore):
    """How often a tenant was written."""

    updates = 0

    def update(self, tenant: str, decide: Callable[[Tenant], Tenant | None], audit: Trail | None = None) -> Tenant | None:
        def counted(stored: Tenant) -> Tenant | None:
            decided = decide(stored)
            self.updates += decided is not None
            return decided

        return super().update(tenant, counted, audit)


class SilentTokens:
    """Google's signing service does not answer."""

    def mint(self, uid: str, claims: Any, **times: Any) -> CustomToken:
        raise Unavailable("Google's signing service does not answer.")


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def tenants() -> CountingTenants:
    store = CountingTenants()
    store.create(a_tenant())
    return store


@pytest.fixture
def deps(clock: FixedClock, tenants: CountingTenants) -> Deps:
    deps = fake_deps(clock=clock, tenants=tenants)
    add_profile(deps, "alice", external_id="uid-1")
    add_profile(deps, "bob", external_id="uid-2")
    return deps


def of_user(uid: str = "uid-1") -> Call:
    return replace(a_call(), user=uid)


def said(token: StreamToken) -> Any:
    return json.loads(token.custom.token)


def listening(deps: Deps) -> Listening:
    tenant = deps.tenants.get(TENANT_ID)
    assert tenant is not None
    return tenant.listening


def test_token_of_a_profile_is_for_it_alone_and_for_an_hour(deps: Deps) -> None:
    token, listener = mint_profile_token(deps, a_call(), "alice"), Listener(TENANT_ID, "alice")
    assert (token.expires_at, token.custom.project_id) == (NOW + LIFE, "our-project")
    assert said(token) == {
        "uid": listener.uid,
        "claims": claims_of(listener, NOW + LIFE),
        "issued_at": NOW.isoformat(),
        "expires_at": (NOW + LIFE).isoformat(),
    }


def test_user_gets_a_token_of_their_own_profile_whether_it_is_named_or_not(deps: Deps) -> None:
    for named in (None, "alice"):
        assert said(mint_user_token(deps, of_user(), named))["claims"]["profile"] == "alice"
    assert said(mint_user_token(deps, of_user("uid-2"), None))["claims"]["profile"] == "bob"


@pytest.mark.parametrize("named", ["bob", "nobody"])
@pytest.mark.parametrize("uid", ["uid-1", "uid-without-a-profile"])
def test_user_gets_none_for_another_profile_whether_there_is_one_or_not(deps: Deps, uid: str, named: str) -> None:
    with pytest.raises(Forbidden) as refused:
        mint_user_token(deps, of_user(uid), named)
    assert str(refused.value) == "A user may listen for their own profile alone."
    assert listening(deps).readers == {}


def test_there_is_no_token_for_a_profile_that_is_not_there(deps: Deps) -> None:
    delete_profile(deps, a_call(), "alice")
    erase_profile(deps, a_call(), "bob")
    for name in ("alice", "bob", "nobody"):
        with pytest.raises(NotFound):
            mint_profile_token(deps, a_call(), name)
    for uid in ("uid-1", "uid-2", "uid-3"):
        with pytest.raises(NotFound):
            mint_user_token(deps, of_user(uid), None)
    assert listening(deps).readers == {}


def test_profile_of_another_tenant_is_not_there(deps: Deps) -> None:
    with pytest.raises(NotFound):
        mint_profile_token(deps, a_call(tenant="globex"), "alice")


def test_listener_is_noted_once_in_twelve_hours_and_for_a_week(deps: Deps, clock: FixedClock, tenants: CountingTenants) -> None:
    for _ in range(3):
        mint_profile_token(deps, a_call(), "alice")
        mint_user_token(deps, of_user("uid-2"), None)
    assert (tenants.updates, listening(deps).readers) == (1, {PUBLIC: NOW + READER_STAYS})
    clock.advance(timedelta(hours=11.9))
    mint_profile_token(deps, a_call(), "alice")
    assert tenants.updates == 1
    clock.advance(timedelta(hours=0.2))
    mint_profile_token(deps, a_call(), "alice")
    assert (tenants.updates, is_read(listening(deps), PUBLIC, NOW + READER_STAYS)) == (2, True)


def test_other_listeners_stay_noted(deps: Deps, tenants: CountingTenants) -> None:
    others = Listening({"webhook-1": frozenset({KIND})}, {KIND: NOW + timedelta(days=1)})
    tenants.update(TENANT_ID, lambda tenant: replace(tenant, listening=others))
    mint_profile_token(deps, a_call(), "alice")
    assert listening(deps) == Listening(others.webhooks, {KIND: NOW + timedelta(days=1), PUBLIC: NOW + READER_STAYS})


def test_token_of_the_tenant_is_told_in_the_audit_log_and_has_no_documents_written(deps: Deps) -> None:
    token = mint_tenant_token(deps, a_call())
    assert said(token)["claims"] == claims_of(Listener(TENANT_ID), NOW + LIFE)
    assert listening(deps).readers == {}
    entries = [row.entry for row in deps.audit.list(TENANT_ID, AuditFilter(), 10, None).items]
    assert [(entry.action, entry.actor.id) for entry in entries if entry.resource == "stream_token"] == [("stream_token.minted", "client-1")]


def test_without_a_signature_nobody_is_noted(deps: Deps) -> None:
    silent = replace(deps, custom_tokens=SilentTokens())
    for mint in (lambda: mint_profile_token(silent, a_call(), "alice"), lambda: mint_tenant_token(silent, a_call())):
        with pytest.raises(Unavailable):
            mint()
    assert listening(deps).readers == {}
    assert [row.entry.action for row in deps.audit.list(TENANT_ID, AuditFilter(resource="stream_token"), 10, None).items] == []
