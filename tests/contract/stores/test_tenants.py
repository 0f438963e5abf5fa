"""What every tenant store does."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from fanfare.domain.audit import trail
from fanfare.domain.brake import HeldChunk, Quarantine
from fanfare.domain.breaker import ALL, Breaker
from fanfare.domain.call import Actor, ActorKind
from fanfare.domain.channels import Channel, Importance
from fanfare.domain.chunk import ChunkKey
from fanfare.domain.errors import Conflict, Unavailable
from fanfare.domain.keepalive_settings import KeepaliveSettings, NightWindow
from fanfare.domain.message import Priority
from fanfare.domain.setting_rules import RETENTION_DAYS
from fanfare.domain.tenant import Tenant, attention_at
from fanfare.domain.tenant_settings import TenantSettings
from tests.contract.stores.racing import race
from tests.contract.stores.real import Stores
from tests.factories import NOW, a_tenant

SETTINGS = TenantSettings(
    keepalive=KeepaliveSettings(enabled=True, max_silence_days=3, night=NightWindow("22:00", "07:00")),
    retention_days={**RETENTION_DAYS, "audit": 400},
    quota_per_minute=1_200,
    cors_origins=("https://app.example.com",),
    timezone="Africa/Dar_es_Salaam",
    default_ttl_seconds=3_600,
    channels=(Channel("orders", "Orders", Importance.HIGH, "ping", Priority.HIGH), Channel("news", "News")),
)
BREAKERS = {ALL: Breaker("THIRD_PARTY_AUTH_ERROR", NOW, NOW + timedelta(minutes=1), 3), "ios": Breaker("X", NOW, NOW + timedelta(minutes=2))}
QUARANTINE = Quarantine("SENDER_ID_MISMATCH", NOW, (HeldChunk("notification-1", 0), HeldChunk("notification-2", 7)))


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"settings": SETTINGS},
        {"credential_version": None},
        {"credential_version": "7"},
        {"breakers": BREAKERS},
        {"quarantine": QUARANTINE},
        {"draining_until": NOW + timedelta(minutes=5), "drained_to": ChunkKey("acme", "n", 7), "released_at": NOW},
    ],
)
def test_created_tenant_is_found_with_every_field(stores: Stores, fields: dict[str, Any]) -> None:
    tenant = a_tenant(**fields)
    stores.tenants.create(tenant)
    assert stores.tenants.get(tenant.id) == stores.tenants.get_fresh(tenant.id) == tenant


def test_tenant_is_found_although_it_was_asked_for_before_it_existed(stores: Stores) -> None:
    assert stores.tenants.get("acme") is None
    stores.tenants.create(a_tenant())
    assert stores.tenants.get("acme") == a_tenant()


@pytest.mark.parametrize("tenant_id", ["globex", "", "a/b", "..", "__reserved__", "é", "\ud800"])
def test_unknown_tenant_is_not_found(stores: Stores, tenant: str, tenant_id: str) -> None:
    assert stores.tenants.get(tenant_id) is None
    assert stores.tenants.get_fresh(tenant_id) is None


def test_taken_id_is_refused_and_its_tenant_stays(stores: Stores) -> None:
    stores.tenants.create(a_tenant())
    with pytest.raises(Conflict):
        stores.tenants.create(a_tenant(name="An impostor", data_key_id="key-2"))
    assert stores.tenants.get("acme") == a_tenant()


# Updates


def test_update_stores_what_was_decided_and_shows_it_at_once(stores: Stores, tenant: str) -> None:
    stores.tenants.get(tenant)
    answer = stores.tenants.update(tenant, lambda stored: replace(stored, quarantine=QUARANTINE, breakers=BREAKERS))
    assert answer == stores.tenants.get(tenant) == stores.tenants.get_fresh(tenant) == a_tenant(quarantine=QUARANTINE, breakers=BREAKERS)


def test_closed_breaker_is_gone(stores: Stores) -> None:
    stores.tenants.create(a_tenant(breakers=BREAKERS))
    stores.tenants.update("acme", lambda stored: replace(stored, breakers={"ios": stored.breakers["ios"]}))
    assert stores.tenants.get_fresh("acme") == a_tenant(breakers={"ios": BREAKERS["ios"]})


def test_update_of_an_unknown_tenant_stores_nothing(stores: Stores) -> None:
    assert stores.tenants.update("acme", lambda stored: replace(stored, name="made up")) is None
    assert stores.tenants.get("acme") is None


def test_decision_to_leave_a_tenant_returns_it_as_it_is(stores: Stores, tenant: str) -> None:
    assert stores.tenants.update(tenant, lambda _: None, trail("tenant.quarantined", Actor(ActorKind.FUNCTION, "send"), NOW)) == a_tenant()


def test_lost_race_is_decided_again_on_what_the_winner_wrote(stores: Stores, tenant: str) -> None:
    seen: list[int] = []

    def decide(stored: Tenant) -> Tenant:
        seen.append(stored.settings.quota_per_minute)
        if len(seen) == 1:
            stores.tenants.update(tenant, lambda other: replace(other, settings=TenantSettings(quota_per_minute=1)))
        return replace(stored, name="Renamed")

    stores.tenants.update(tenant, decide, trail("tenant.renamed", Actor(ActorKind.CLIENT, "client-1"), NOW))
    assert seen == [600_000, 1]
    assert stores.tenants.get_fresh(tenant) == a_tenant(name="Renamed", settings=TenantSettings(quota_per_minute=1))


def test_update_that_loses_every_race_is_unavailable(stores: Stores, tenant: str) -> None:
    def decide(stored: Tenant) -> Tenant:
        stores.tenants.update(tenant, lambda other: replace(other, settings=TenantSettings(quota_per_minute=other.settings.quota_per_minute + 1)))
        return replace(stored, name="Renamed")

    with pytest.raises(Unavailable):
        stores.tenants.update(tenant, decide)
    stored = stores.tenants.get_fresh(tenant)
    assert stored is not None
    assert stored.name == a_tenant().name


# Firebase projects and their owners


def test_tenant_with_a_credential_owns_its_project_and_one_without_does_not(stores: Stores) -> None:
    assert stores.tenants.owner_of("acme-app") is None
    stores.tenants.create(a_tenant())
    stores.tenants.create(a_tenant(id="late", credential_version=None))
    assert stores.tenants.owner_of("acme-app") == "acme"
    assert stores.tenants.owner_of("late-app") is None


@pytest.mark.parametrize("project", ["", "a/b", "..", "__reserved__", "Acme", "\ud800"])
def test_what_is_no_project_has_no_owner(stores: Stores, tenant: str, project: str) -> None:
    assert stores.tenants.owner_of(project) is None


def test_second_tenant_of_a_project_is_refused_and_nothing_of_it_is_stored(stores: Stores, tenant: str) -> None:
    with pytest.raises(Conflict):
        stores.tenants.create(a_tenant(id="globex", firebase_project_id="acme-app"))
    assert stores.tenants.get("globex") is None
    assert stores.tenants.owner_of("acme-app") == tenant


def test_project_is_claimed_once_and_by_the_same_tenant_again(stores: Stores, tenant: str) -> None:
    late = a_tenant(id="late", credential_version=None)
    stores.tenants.create(late)
    for _ in range(2):
        stores.tenants.claim_project(late, NOW)
    assert stores.tenants.owner_of("late-app") == "late"
    with pytest.raises(Conflict):
        stores.tenants.claim_project(replace(late, firebase_project_id="acme-app"), NOW)
    assert stores.tenants.owner_of("acme-app") == tenant


def test_of_ten_tenants_that_claim_a_project_at_once_one_gets_it(stores: Stores) -> None:
    def claim(name: str) -> str | None:
        try:
            stores.tenants.claim_project(a_tenant(id=name, firebase_project_id="one-app"), NOW)
        except Conflict:
            return None
        return name

    winners = [name for name in race([partial(claim, f"t{number}") for number in range(10)]) if name]
    assert winners == [stores.tenants.owner_of("one-app")]


def test_tenants_are_listed_page_by_page(stores: Stores) -> None:
    names = [f"t{number}" for number in range(5)]
    for name in names:
        stores.tenants.create(a_tenant(id=name))
    first = stores.tenants.list(3, None)
    rest = stores.tenants.list(3, first.next_after)
    assert [found.id for found in (*first.items, *rest.items)] == names
    assert (first.next_after, rest.next_after) == ("t2", None)
    assert first.items[0] == a_tenant(id="t0")


# The schedule tick


def test_tenants_that_need_attention_are_found_the_longest_waiting_first(stores: Stores) -> None:
    probed = [a_tenant(id=f"t{minutes}", breakers={ALL: Breaker("X", NOW, NOW - timedelta(minutes=minutes))}) for minutes in (1, 3, 2, 0)]
    later = a_tenant(id="later", breakers={ALL: Breaker("X", NOW, NOW + timedelta(seconds=1))})
    held = a_tenant(id="held", quarantine=replace(QUARANTINE, since=NOW - timedelta(minutes=4)))
    for tenant in (*probed, later, held, a_tenant(id="well")):
        stores.tenants.create(tenant)
    found = stores.tenants.find_needing_attention(NOW, 10)
    assert [tenant.id for tenant in found] == ["held", "t3", "t2", "t1", "t0"]
    assert list(stores.tenants.find_needing_attention(NOW, 2)) == list(found[:2])


def test_tenant_that_is_well_again_needs_no_attention(stores: Stores) -> None:
    stores.tenants.create(a_tenant(draining_until=NOW))
    assert [attention_at(tenant) is not None for tenant in stores.tenants.find_needing_attention(NOW, 10)] == [True]
    stores.tenants.update("acme", lambda stored: replace(stored, draining_until=None))
    assert list(stores.tenants.find_needing_attention(NOW, 10)) == []
