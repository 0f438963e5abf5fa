"""Two instances: one raises the version of a tenant's configuration, and the other is up to date within a minute, in everything at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest
from google.cloud.firestore import Client as Firestore

from fanfare.domain.audit import trail
from fanfare.domain.template import Draft, changed
from fanfare.domain.tenant import Tenant
from fanfare.ports import Deps
from fanfare.services.reload_configuration import reload_configuration
from tests.contract.stores.real import Stores, real_stores
from tests.factories import NOW, TENANT_ID, a_call, a_tenant
from tests.fakes import FixedClock, ScriptedPushSender, fake_deps
from tests.templates import a_template

CREATED = trail("template.created", a_call().actor, NOW)
NAME = "order_confirmed"


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def instances(firestore: Firestore, clock: FixedClock) -> tuple[Stores, Stores]:
    """Two instances, of which both know the tenant and its template."""
    ours, other = real_stores(firestore, clock), real_stores(firestore, clock)
    ours.tenants.create(a_tenant())
    assert ours.templates.create(TENANT_ID, a_template(), CREATED)
    assert [_version(stores) for stores in (ours, other)] == [0, 0]
    assert [_title(stores) for stores in (ours, other)] == ["Hello {{name}}"] * 2
    return ours, other


def _reload(stores: Stores) -> Tenant:
    deps: Deps = replace(fake_deps(sender=ScriptedPushSender()), tenants=stores.tenants, audit=cast("Any", stores.audit))
    return reload_configuration(deps, a_call())


def _version(stores: Stores) -> int:
    tenant = stores.tenants.get(TENANT_ID)
    assert tenant is not None
    return tenant.config_version


def _title(stores: Stores) -> Any:
    template = stores.templates.get(TENANT_ID, NAME)
    assert template is not None
    return template.message["title"]


def _change(stores: Stores, title: str) -> None:
    assert stores.templates.update(TENANT_ID, NAME, lambda before: changed(before, Draft({"title": title}), NOW), CREATED)


def test_instance_that_reloads_reads_anew_at_once(instances: tuple[Stores, Stores]) -> None:
    ours, other = instances
    _change(other, "New")
    assert _title(ours) == "Hello {{name}}"
    assert _reload(ours).config_version == 1
    assert _title(ours) == "New"


def test_other_instances_drop_what_they_keep_once_they_know_of_the_new_version(instances: tuple[Stores, Stores], clock: FixedClock) -> None:
    ours, other = instances
    clock.advance(timedelta(seconds=50))
    # The template that the other instance keeps is renewed now, and would be kept for a minute from here on.
    _renew(other)
    _change(ours, "New")
    _reload(ours)
    assert (_version(other), _title(other)) == (0, "Hello {{name}}")
    clock.advance(timedelta(seconds=11))
    assert (_version(other), _title(other)) == (1, "New")


def _renew(stores: Stores) -> None:
    """Read the template anew, and not the tenant."""
    cast("Any", stores.templates)._cache.forget((TENANT_ID, NAME))
    assert _title(stores) == "Hello {{name}}"


def test_both_may_reload_at_once(instances: tuple[Stores, Stores]) -> None:
    ours, other = instances
    assert [_reload(stores).config_version for stores in (ours, other, ours)] == [1, 2, 3]


def test_a_version_that_a_hand_has_broken_counts_from_the_beginning(firestore: Firestore, instances: tuple[Stores, Stores]) -> None:
    firestore.document(f"tenants/{TENANT_ID}").update({"config_version": "two"})
    assert _reload(instances[0]).config_version == 1
    assert firestore.document(f"tenants/{TENANT_ID}").get().to_dict()["config_version"] == 1
