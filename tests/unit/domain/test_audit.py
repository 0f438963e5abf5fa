"""The audit log says what changed, and of nothing that may be a secret to what."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime

import pytest

from fanfare.domain.audit import HIDDEN, LONGEST_VALUE, AuditEntry, Change, changes_between, trail
from fanfare.domain.call import Actor, ActorKind
from fanfare.domain.client import Scope
from fanfare.domain.message import Platform
from fanfare.domain.tenant_settings import TenantSettings
from tests.factories import NOW, a_call, a_client, a_device, a_profile, a_tenant, a_token

ACTOR = Actor(ActorKind.CLIENT, "client-1", "203.0.113.7", "request-1")


def test_entry_names_who_did_what_to_which_object() -> None:
    entry = trail("device.updated", ACTOR, NOW, {"why": "test"})(a_device(model="A"), a_device(model="B"))
    assert entry == AuditEntry("device.updated", ACTOR, NOW, ("device-1",), {"model": Change("A", "B")}, {"why": "test"})
    assert entry.resource == "device"


def test_object_without_an_id_is_named_by_its_name() -> None:
    @dataclass
    class Named:
        name: str

    assert trail("topic.created", ACTOR, NOW)(None, Named("news")).resource_ids == ("news",)


def test_creation_tells_every_field_that_is_set_and_deletion_too() -> None:
    profile = a_profile(tags=("beta",), locale="sw-TZ")
    created, deleted = changes_between(None, profile), changes_between(profile, None)
    assert created["tags"] == Change(None, "beta")
    assert deleted["locale"] == Change("sw-TZ", None)
    assert "timezone" not in created


def test_equal_states_have_no_changes() -> None:
    assert changes_between(a_device(), a_device()) == {}
    assert changes_between(None, None) == {}


def test_times_and_revisions_of_every_write_are_no_change() -> None:
    assert changes_between(a_device(), a_device(updated_at=NOW, revision=2)) == {}


@pytest.mark.parametrize(
    ("before", "after", "name"),
    [
        (a_device(target=a_token("old")), a_device(target=a_token("new")), "target"),
        (a_client(), a_client(token_hash="other"), "token_hash"),
        (a_profile(username="alice"), a_profile(username="bob"), "username"),
        (a_profile(phone_number="+255712345678"), a_profile(phone_number="+255712345679"), "phone_number"),
        (a_tenant(), a_tenant(credential_secret="other"), "credential_secret"),
    ],
)
def test_secrets_targets_and_names_of_people_are_said_to_have_changed_and_not_shown(before: object, after: object, name: str) -> None:
    assert changes_between(before, after) == {name: Change(HIDDEN, HIDDEN)}


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        (a_client(scopes=frozenset({Scope.SEND})), a_client(scopes=frozenset({Scope.READ, Scope.ADMIN})), ("scopes", Change("send", "admin, read"))),
        (a_client(limits={}), a_client(limits={"send": 5, "bulk": 1}), ("limits", Change(None, "bulk: 1, send: 5"))),
        (a_client(), a_client(revoked_at=datetime(2026, 1, 2, tzinfo=UTC)), ("revoked_at", Change(None, "2026-01-02T00:00:00+00:00"))),
        (a_client(), a_client(ip_allowlist=("203.0.113.0/24", "::1/128")), ("ip_allowlist", Change(None, "203.0.113.0/24, ::1/128"))),
        (a_device(platform=Platform.IOS), a_device(platform=Platform.WEB), ("platform", Change("ios", "web"))),
        (TenantSettings(quota_per_minute=1), TenantSettings(quota_per_minute=2), ("quota_per_minute", Change("1", "2"))),
        (a_device(active=True), a_device(active=False), ("active", Change("True", "False"))),
        (a_device(), a_device(model="x" * 1_000), ("model", Change(a_device().model, "x" * LONGEST_VALUE))),
    ],
)
def test_harmless_values_are_shown_in_words(before: object, after: object, change: tuple[str, Change]) -> None:
    assert changes_between(before, after) == dict([change])


def test_nothing_of_a_target_stands_in_an_entry() -> None:
    device = a_device(target=a_token("a-very-secret-target"))
    entry = trail("device.registered", ACTOR, NOW)(None, replace(device, tags=("beta",)))
    assert device.target.value not in str(entry)
    assert {item.name for item in fields(device)} >= set(entry.changes)


def test_call_of_a_client_has_no_user() -> None:
    assert a_call().user is None
