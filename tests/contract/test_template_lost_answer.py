"""A commit of a template whose answer was lost succeeds exactly once, whatever another instance does meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest

from fanfare.domain.audit import trail
from fanfare.domain.call import Actor, ActorKind
from fanfare.domain.filters import AuditFilter
from fanfare.domain.template import Draft, Template, changed
from tests.contract.firestore_proxy import FirestoreProxy, firestore_proxy
from tests.contract.stores.real import Stores, open_firestore, real_stores
from tests.factories import NOW
from tests.templates import a_template

NAME = "order_confirmed"
ACTOR = Actor(ActorKind.CLIENT, "client-1")
CREATED, UPDATED, DELETED = (trail(f"template.{done}", ACTOR, NOW) for done in ("created", "updated", "deleted"))


@dataclass(frozen=True, slots=True)
class Network:
    """`stores` behind a proxy that loses the answer of the next commit, and `others`, whose network is well."""

    proxy: FirestoreProxy
    stores: Stores
    others: Stores

    def titles(self) -> list[str]:
        """What each kept version says."""
        found = (self.others.templates.get_fresh("acme", NAME, version) for version in range(1, 6))
        return [template.message["title"] for template in found if template]

    def actions(self) -> list[str]:
        return sorted(row.entry.action for row in self.others.audit.list("acme", AuditFilter(), 100, None).items)


@pytest.fixture
def network(emulator: str, project_id: str) -> Iterator[Network]:
    """Two instances; the next commit of the first is sent twice."""
    with firestore_proxy(emulator) as (proxy, host):
        behind, direct = open_firestore(host, project_id), open_firestore(emulator, project_id)
        proxy.lose_next = 1
        yield Network(proxy, real_stores(behind), real_stores(direct))
        assert proxy.lose_next == 0
        behind.close()
        direct.close()


def _change(stores: Stores, title: str) -> Template | None:
    return stores.templates.update("acme", NAME, lambda before: changed(before, Draft({"title": title}), NOW + timedelta(hours=1)), UPDATED)


def test_template_is_created_once(network: Network) -> None:
    assert network.stores.templates.create("acme", a_template(message={"title": "a"}), CREATED)
    assert (network.titles(), network.actions()) == (["a"], ["template.created"])


def test_taken_name_stays_taken(network: Network) -> None:
    network.others.templates.create("acme", a_template(message={"title": "a"}), CREATED)
    network.proxy.lose_refusals = True
    assert not network.stores.templates.create("acme", a_template(message={"title": "b"}), CREATED)
    assert (network.titles(), network.actions()) == (["a"], ["template.created"])


def test_change_makes_one_version(network: Network) -> None:
    network.others.templates.create("acme", a_template(message={"title": "a"}), CREATED)
    changed_to = _change(network.stores, "b")
    assert changed_to is not None
    assert changed_to.version == 2
    assert (network.titles(), network.actions()) == (["a", "b"], ["template.created", "template.updated"])


def test_change_that_another_one_followed_is_not_made_again(network: Network) -> None:
    network.others.templates.create("acme", a_template(message={"title": "a"}), CREATED)
    network.proxy.after_loss = lambda: _change(network.others, "c")
    assert _change(network.stores, "b") is not None
    assert network.titles() == ["a", "b", "c"]
    assert network.actions() == ["template.created", "template.updated", "template.updated"]


def test_template_is_deleted_once(network: Network) -> None:
    network.others.templates.create("acme", a_template(message={"title": "a"}), CREATED)
    assert network.stores.templates.delete("acme", NAME, DELETED)
    assert (network.titles(), network.actions()) == ([], ["template.created", "template.deleted"])


def test_template_that_was_made_anew_meanwhile_is_not_deleted_too(network: Network) -> None:
    network.others.templates.create("acme", a_template(message={"title": "a"}), CREATED)
    network.proxy.after_loss = lambda: network.others.templates.create("acme", a_template(message={"title": "new"}), CREATED)
    assert network.stores.templates.delete("acme", NAME, DELETED)
    assert network.titles() == ["new"]
