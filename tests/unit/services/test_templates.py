from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from fanfare.domain.call import Actor, ActorKind, Call
from fanfare.domain.errors import Conflict, InvalidRequest, NotFound, TemplateBroken
from fanfare.domain.filters import AuditFilter, TemplateFilter
from fanfare.domain.message import Platform
from fanfare.domain.template import Draft
from fanfare.ports import Deps
from fanfare.services.list_pages import list_templates
from fanfare.services.preview_template import preview_template
from fanfare.services.templates import create_template, delete_template, get_template, replace_template
from tests.factories import NOW, TENANT_ID
from tests.fakes import FixedClock, MemoryTemplateStore, fake_deps

CALL = Call(TENANT_ID, Actor(ActorKind.CLIENT, "client-1", "203.0.113.7"), "request-1")
USAGE = {"body": "Hello {{name}}, your order #{{order_id}} is {{status}}"}
VARIABLES: dict[str, Any] = {"name": "John", "order_id": "1234", "status": "ready"}
LONG = "y" * 4_090


def _create(deps: Deps, name: str = "order", **fields: Any) -> None:
    create_template(deps, CALL, name, Draft(**{"message": USAGE} | fields))


def _audit(deps: Deps) -> list[tuple[str, tuple[str, ...], set[str]]]:
    page = deps.audit.list(TENANT_ID, AuditFilter(), 100, None)
    return [(row.entry.action, row.entry.resource_ids, set(row.entry.changes)) for row in reversed(page.items)]


def _preview(deps: Deps, variables: dict[str, Any], **narrowed: Any) -> list[tuple[Platform, str | None, str | None]]:
    given: dict[str, Any] = {"platform": None, "locale": None, "username": None}
    previews = preview_template(deps, get_template(deps, TENANT_ID, "order"), variables, **given | narrowed)
    return [(preview.platform, preview.locale, preview.message.body) for preview in previews]


def test_created_template_is_stored_and_audited_without_its_texts() -> None:
    deps = fake_deps()
    _create(deps, active=False)
    stored = get_template(deps, TENANT_ID, "order")
    assert (stored.message, stored.active, stored.version, stored.created_by, stored.created_at) == (USAGE, False, 1, "client-1", NOW)
    (entry,) = _audit(deps)
    assert entry[:2] == ("template.created", ("order",))
    assert "Hello" not in str(deps.audit.list(TENANT_ID, AuditFilter(), 100, None).items)


def test_name_is_taken_once() -> None:
    deps = fake_deps()
    _create(deps)
    with pytest.raises(Conflict):
        _create(deps, message={"title": "other"})
    assert get_template(deps, TENANT_ID, "order").message == USAGE


@pytest.mark.parametrize("message", [{"body": "{{"}, {}, {"body": LONG}, {"body": "{% if name %}"}, {"body": "{% for a in b %}{% endfor %}"}])
def test_template_that_could_never_be_sent_is_not_stored(message: dict[str, Any]) -> None:
    deps = fake_deps()
    with pytest.raises(InvalidRequest):
        _create(deps, message=message)
    _create(deps)
    with pytest.raises(InvalidRequest):
        replace_template(deps, CALL, "order", Draft(message))
    assert get_template(deps, TENANT_ID, "order").message == USAGE


def test_change_is_a_version_and_the_earlier_one_is_found() -> None:
    clock = FixedClock()
    deps = fake_deps(clock=clock)
    _create(deps)
    clock.advance(timedelta(hours=1))
    changed = replace_template(deps, CALL, "order", Draft({"body": "new"}))
    assert (changed.version, changed.message, changed.updated_at) == (2, {"body": "new"}, NOW + timedelta(hours=1))
    assert get_template(deps, TENANT_ID, "order") == changed
    assert get_template(deps, TENANT_ID, "order", 1).message == USAGE
    assert replace_template(deps, CALL, "order", Draft({"body": "new"})) == changed
    assert [(action, changes) for action, _, changes in _audit(deps)][1:] == [("template.updated", {"message", "version"})]


def test_deleted_template_is_gone() -> None:
    deps = fake_deps()
    _create(deps)
    delete_template(deps, CALL, "order")
    for attempt in (
        lambda: get_template(deps, TENANT_ID, "order"),
        lambda: get_template(deps, TENANT_ID, "order", 1),
        lambda: replace_template(deps, CALL, "order", Draft(USAGE)),
        lambda: delete_template(deps, CALL, "order"),
    ):
        with pytest.raises(NotFound):
            attempt()
    assert [action for action, _, _ in _audit(deps)] == ["template.created", "template.deleted"]


def test_another_tenants_template_is_not_found() -> None:
    deps = fake_deps()
    _create(deps)
    with pytest.raises(NotFound):
        get_template(deps, "globex", "order")


def test_list_is_paged_and_its_cursor_belongs_to_its_filter() -> None:
    deps = fake_deps()
    for name in ("a1", "a2", "b"):
        _create(deps, name)
    items, cursor = list_templates(deps, TENANT_ID, TemplateFilter(prefix="a"), 1, None)
    assert [template.name for template in items] == ["a1"]
    assert cursor is not None
    items, end = list_templates(deps, TENANT_ID, TemplateFilter(prefix="a"), 1, cursor)
    assert ([template.name for template in items], end) == (["a2"], None)
    with pytest.raises(InvalidRequest):
        list_templates(deps, TENANT_ID, TemplateFilter(prefix="b"), 1, cursor)


# What it would say


def test_usage_example_of_the_plan() -> None:
    deps = fake_deps()
    _create(deps)
    assert {said for _, _, said in _preview(deps, VARIABLES)} == {"Hello John, your order #1234 is ready"}


def test_everything_that_it_has_words_for_is_shown_unless_narrowed() -> None:
    deps = fake_deps()
    _create(deps, platforms={"ios": {"body": "ios"}}, locales={"sw": {"body": "sw {{username}}"}})
    assert _preview(deps, VARIABLES, username="alice") == [
        (Platform.ANDROID, None, "Hello John, your order #1234 is ready"),
        (Platform.ANDROID, "sw", "sw alice"),
        (Platform.IOS, None, "ios"),
        (Platform.IOS, "sw", "sw alice"),
        (Platform.WEB, None, "Hello John, your order #1234 is ready"),
        (Platform.WEB, "sw", "sw alice"),
    ]
    assert _preview(deps, VARIABLES, platform=Platform.IOS, locale="sw-TZ") == [(Platform.IOS, "sw", "sw ")]
    assert _preview(deps, VARIABLES, platform=Platform.IOS, locale="de") == [(Platform.IOS, None, "ios")]


def test_size_is_shown_with_what_fcm_would_refuse() -> None:
    deps = fake_deps()
    _create(deps)
    template = get_template(deps, TENANT_ID, "order")
    long = {**VARIABLES, "name": "y" * 4_000}
    small, big = (preview_template(deps, template, given, platform=Platform.WEB, locale=None, username=None)[0] for given in (VARIABLES, long))
    assert (small.size_bytes < 400, small.errors) == (True, ())
    assert big.size_bytes > 4_096
    assert "FCM allows 4096" in big.errors[0]


def test_missing_variable_is_named() -> None:
    deps = fake_deps()
    _create(deps)
    with pytest.raises(InvalidRequest) as refused:
        _preview(deps, {"name": "John", "unknown": "x"})
    assert [error.field for error in refused.value.errors] == ["variables.order_id", "variables.status"]


def test_broken_template_says_nothing() -> None:
    templates = MemoryTemplateStore()
    deps = fake_deps(templates=templates)
    _create(deps)
    templates.spoil(TENANT_ID, "order", "title: must be a text")
    with pytest.raises(TemplateBroken, match="title: must be a text"):
        _preview(deps, VARIABLES)
    assert replace_template(deps, CALL, "order", Draft(USAGE)).defect is None
