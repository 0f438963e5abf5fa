"""What every template store does."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from google.cloud.firestore import Client as Firestore

from fanfare.domain.audit import trail
from fanfare.domain.call import Actor, ActorKind
from fanfare.domain.filters import AuditFilter, TemplateFilter
from fanfare.domain.send_request import message_of
from fanfare.domain.template import KEPT_VERSIONS, Draft, Template, changed
from fanfare.domain.template_text import Syntax
from fanfare.domain.wording import wording_of
from tests.contract.stores.racing import race
from tests.contract.stores.real import Stores, real_stores
from tests.factories import NOW, a_notification
from tests.templates import a_template

ACTOR = Actor(ActorKind.CLIENT, "client-1")
CREATED, UPDATED, DELETED = (trail(f"template.{done}", ACTOR, NOW) for done in ("created", "updated", "deleted"))
NAME = "order_confirmed"
FULL = {
    "title": "{{a}}", "body": "b", "data": {"k.with.dots": "{{c}}"}, "image_url": "https://x/y", "deep_link": "app://x", "sound": "chime",
    "actions": [{"id": "a", "title": "b"}], "channel": "orders", "priority": "high", "silent": False, "ttl_seconds": 60,
}  # fmt: skip


def _create(stores: Stores, tenant: str, **fields: Any) -> Template:
    template = a_template(**fields)
    assert stores.templates.create(tenant, template, CREATED)
    return template


def _change(stores: Stores, tenant: str, title: str) -> Template | None:
    return stores.templates.update(tenant, NAME, lambda before: changed(before, Draft({"title": title}), NOW + timedelta(hours=1)), UPDATED)


def _listed(stores: Stores, tenant: str, **filters: Any) -> list[str]:
    return [template.name for template in stores.templates.list(tenant, TemplateFilter(**filters), 100, None).items]


def _actions(stores: Stores, tenant: str) -> list[str]:
    return [row.entry.action for row in stores.audit.list(tenant, AuditFilter(resource_id=NAME), 100, None).items]


def test_created_template_is_found_with_every_field(stores: Stores, tenant: str) -> None:
    template = _create(
        stores,
        tenant,
        message=FULL,
        platforms={"ios": {"title": "c"}},
        locales={"sw-TZ": {"data": {"k": "v"}}},
        defaults={"a": 1, "c": True, "d": 1.5, "e": "x"},
        active=False,
    )
    assert stores.templates.get(tenant, NAME) == template
    assert stores.templates.get_fresh(tenant, NAME) == template
    assert stores.templates.get_fresh(tenant, NAME, 1) == template


def test_single_syntax_is_kept(stores: Stores, tenant: str) -> None:
    template = _create(stores, tenant, syntax=Syntax.SINGLE, message={"title": "{a}"})
    assert stores.templates.get(tenant, NAME) == template


@pytest.mark.parametrize("name", [NAME, "no/such", "..", ""])
def test_unknown_template_is_not_found(stores: Stores, tenant: str, other_tenant: str, name: str) -> None:
    _create(stores, other_tenant)
    assert stores.templates.get(tenant, name) is None
    assert stores.templates.get_fresh(tenant, name) is None
    assert stores.templates.update(tenant, name, lambda before: before, UPDATED) is None
    assert not stores.templates.delete(tenant, name, DELETED)


def test_template_is_found_at_once_although_it_was_asked_for_before(stores: Stores, tenant: str) -> None:
    assert stores.templates.get(tenant, NAME) is None
    created = _create(stores, tenant)
    assert stores.templates.get(tenant, NAME) == created


def test_name_is_taken_once(stores: Stores, tenant: str, other_tenant: str) -> None:
    first = _create(stores, tenant)
    assert not stores.templates.create(tenant, a_template(message={"title": "other"}), CREATED)
    assert stores.templates.get_fresh(tenant, NAME) == first
    _create(stores, other_tenant)
    assert _actions(stores, tenant) == ["template.created"]


def test_simultaneous_creations_make_one(stores: Stores, tenant: str) -> None:
    made = race([partial(stores.templates.create, tenant, a_template(message={"title": title}), CREATED) for title in "abcd"])
    assert sorted(made) == [False, False, False, True]
    assert _actions(stores, tenant) == ["template.created"]


def test_change_is_the_next_version_and_the_earlier_one_is_kept(stores: Stores, tenant: str) -> None:
    first = _create(stores, tenant)
    stores.templates.get(tenant, NAME)
    second = _change(stores, tenant, "new")
    assert second is not None
    assert (second.version, second.message) == (2, {"title": "new"})
    assert stores.templates.get(tenant, NAME) == second
    assert stores.templates.get_fresh(tenant, NAME) == second
    assert stores.templates.get_fresh(tenant, NAME, 1) == first
    assert stores.templates.get_fresh(tenant, NAME, 2) == second
    assert stores.templates.get_fresh(tenant, NAME, 3) is None
    assert sorted(_actions(stores, tenant)) == ["template.created", "template.updated"]


def test_decision_to_change_nothing_stores_nothing(stores: Stores, tenant: str) -> None:
    first = _create(stores, tenant)
    assert stores.templates.update(tenant, NAME, lambda _before: None, UPDATED) == first
    assert _actions(stores, tenant) == ["template.created"]


def test_simultaneous_changes_are_versions_one_after_the_other(stores: Stores, tenant: str) -> None:
    _create(stores, tenant)
    race([partial(_change, stores, tenant, title) for title in "abc"])
    titles = {kept.message["title"] for version in (2, 3, 4) if (kept := stores.templates.get_fresh(tenant, NAME, version))}
    assert titles == {"a", "b", "c"}
    assert stores.templates.get_fresh(tenant, NAME) == stores.templates.get_fresh(tenant, NAME, 4)


def test_twenty_versions_are_kept(stores: Stores, tenant: str) -> None:
    _create(stores, tenant, version=3)
    for number in range(KEPT_VERSIONS):
        _change(stores, tenant, f"{number}")
    assert stores.templates.get_fresh(tenant, NAME, 3) is None
    assert stores.templates.get_fresh(tenant, NAME, 4) is not None


def test_deleted_template_is_gone_with_its_versions(stores: Stores, tenant: str) -> None:
    _create(stores, tenant)
    _change(stores, tenant, "new")
    stores.templates.get(tenant, NAME)
    assert stores.templates.delete(tenant, NAME, DELETED)
    assert stores.templates.get(tenant, NAME) is None
    assert stores.templates.get_fresh(tenant, NAME, 1) is None
    assert stores.templates.get_fresh(tenant, NAME, 2) is None
    assert not stores.templates.delete(tenant, NAME, DELETED)
    assert sorted(_actions(stores, tenant)) == ["template.created", "template.deleted", "template.updated"]
    _create(stores, tenant)


def test_templates_are_listed_by_name_in_pages(stores: Stores, tenant: str, other_tenant: str) -> None:
    for name in ("c", "a", "b"):
        _create(stores, tenant, name=name)
    _create(stores, other_tenant, name="aa")
    page = stores.templates.list(tenant, TemplateFilter(), 2, None)
    assert ([template.name for template in page.items], page.next_after) == (["a", "b"], "b")
    page = stores.templates.list(tenant, TemplateFilter(), 2, "b")
    assert ([template.name for template in page.items], page.next_after) == (["c"], None)


def test_templates_are_listed_by_the_beginning_of_their_names_and_by_whether_they_are_active(stores: Stores, tenant: str) -> None:
    for name, active in (("call", True), ("call.back", False), ("cal", True), ("calm", True), ("order", False)):
        _create(stores, tenant, name=name, active=active)
    assert _listed(stores, tenant, prefix="call") == ["call", "call.back"]
    assert _listed(stores, tenant, prefix="call.") == ["call.back"]
    assert _listed(stores, tenant, active=True) == ["cal", "call", "calm"]
    assert _listed(stores, tenant, active=False, prefix="cal") == ["call.back"]
    page = stores.templates.list(tenant, TemplateFilter(prefix="cal"), 2, "call")
    assert [template.name for template in page.items] == ["call.back", "calm"]


def test_notification_keeps_what_its_template_said(stores: Stores, tenant: str) -> None:
    template = a_template(message=FULL, platforms={"ios": {"title": "c"}}, locales={"sw_TZ": {"body": "d"}}, defaults={"username": "you"})
    wording = wording_of(template, {"a": 1.5, "c": True}, {})
    notification = a_notification(wording=wording, request={"template": NAME}, message=message_of({}))
    assert stores.notifications.accept(notification, []) is None
    assert stores.notifications.get(tenant, notification.id) == notification


# A hand in the console


def _document(firestore: Firestore) -> Any:
    return firestore.collection("tenants").document("acme").collection("templates").document(NAME)


def test_edit_by_hand_is_read_within_a_minute(firestore: Firestore) -> None:
    stores = real_stores(firestore)
    _create(stores, "acme")
    assert stores.templates.get("acme", NAME) is not None
    _document(firestore).update({"title": "By hand", "active": False})
    stores.clock.advance(timedelta(seconds=61))
    read = stores.templates.get("acme", NAME)
    assert read is not None
    assert (read.message["title"], read.active, read.defect) == ("By hand", False, None)


@pytest.mark.parametrize(
    "edit",
    [
        {"title": "Hello {{name"},
        {"body": 5},
        {"locales": "sw"},
        {"active": "yes"},
        {"syntax": None},
        {"actions": [{"id": 1}]},
        {"data": [1]},
        {"defaults": {"a": NOW}},
    ],
)
def test_broken_edit_is_told_and_stored_in_the_document_until_it_is_mended(firestore: Firestore, edit: dict[str, Any]) -> None:
    stores = real_stores(firestore)
    first = _create(stores, "acme")
    _document(firestore).update(edit)
    read = stores.templates.get("acme", NAME)
    assert read is not None
    assert read.defect
    assert read.defect.startswith(next(iter(edit)))
    assert _document(firestore).get().get("defect") == read.defect
    assert [template.defect for template in stores.templates.list("acme", TemplateFilter(), 10, None).items] == [read.defect]
    good = {"title": first.message["title"], "body": "b", "locales": {}, "active": True, "syntax": "double", "actions": None, "data": None}
    _document(firestore).update({**good, "defaults": None})
    stores.clock.advance(timedelta(seconds=61))
    mended = stores.templates.get("acme", NAME)
    assert mended is not None
    assert mended.defect is None
    assert _document(firestore).get().get("defect") is None


def test_broken_template_is_mended_and_deleted_through_the_store(firestore: Firestore) -> None:
    stores = real_stores(firestore)
    _create(stores, "acme")
    _document(firestore).set({"title": ["nonsense"], "version": "x"})
    mended = stores.templates.update("acme", NAME, lambda before: changed(before, Draft({"title": "new"}), NOW), UPDATED)
    assert mended is not None
    assert stores.templates.get("acme", NAME) == replace(mended, defect=None)
    _document(firestore).set({})
    assert stores.templates.delete("acme", NAME, DELETED)
