from __future__ import annotations

import pytest

from fanfare.domain.daemon import DaemonMessage
from fanfare.domain.errors import IdempotencyMismatch, TemplateBroken, TemplateInactive
from fanfare.domain.message import Message, TargetKind
from fanfare.domain.notification import Notification
from fanfare.domain.rendition import Rendition
from fanfare.domain.template import Draft
from fanfare.domain.template_text import Syntax
from fanfare.ports import Deps
from fanfare.services.send_from_daemon import send_from_daemon
from fanfare.services.start_templates import start_templates
from fanfare.services.templates import create_template, delete_template, replace_template
from fanfare.services.word_notification import message_for
from tests.factories import TENANT_ID, a_call, a_device, an_owner
from tests.fakes import MemoryTemplateStore, fake_deps
from tests.fakes.addresses import address_hash
from tests.unit.services.seeding import add_devices, username

CALL = DaemonMessage("alice", "call", "bob")


@pytest.fixture
def deps() -> Deps:
    """A tenant with its starters, and Alice's phone."""
    deps = fake_deps()
    start_templates(deps, TENANT_ID, a_call().actor)
    add_devices(deps, a_device(owners=(an_owner(username="alice", addresses=(address_hash(TENANT_ID, username("alice")),)),)))
    return deps


def sent(deps: Deps, message: DaemonMessage = CALL) -> Notification:
    return send_from_daemon(deps, a_call(), message, "hash").notification


def told(deps: Deps, message: DaemonMessage) -> Message:
    """What Alice's phone is told."""
    return message_for(deps, sent(deps, message), Rendition(None, TargetKind.TOKEN))


def test_template_of_the_type_words_it(deps: Deps) -> None:
    notification = sent(deps)
    assert (notification.template, notification.counts.targeted, notification.ttl_seconds) == ("call", 1, 60)
    assert told(deps, CALL).title == "Incoming call from bob"
    assert told(deps, CALL).priority == "high"


@pytest.mark.parametrize("kind", ["door-bell", "no name of a template!", "DEFAULT", ""])
def test_type_without_a_template_is_worded_by_default(deps: Deps, kind: str) -> None:
    notification = sent(deps, DaemonMessage("alice", kind, body="Ring"))
    assert (notification.template, notification.type) == ("default", kind)
    assert told(deps, DaemonMessage("alice", kind, body="Ring")).body == "Ring"


def test_tenants_own_default_wins_over_the_built_in_one(deps: Deps) -> None:
    replace_template(deps, a_call(), "default", Draft({"title": "Ours: {body}"}, syntax=Syntax.SINGLE))
    assert told(deps, DaemonMessage("alice", "door-bell", body="Ring")).title == "Ours: Ring"


def test_built_in_default_stands_in_where_a_tenant_has_none(deps: Deps) -> None:
    delete_template(deps, a_call(), "default")
    notification = sent(deps, DaemonMessage("alice", "door-bell", body="Ring"))
    assert (notification.template, notification.wording and notification.wording.version) == ("default", 1)
    assert told(deps, DaemonMessage("alice", "door-bell", body="Ring")).body == "Ring"


def test_template_that_was_switched_off_or_broken_sends_nothing(deps: Deps) -> None:
    replace_template(deps, a_call(), "call", Draft({"title": "x"}, active=False))
    with pytest.raises(TemplateInactive):
        sent(deps)
    assert isinstance(deps.templates, MemoryTemplateStore)
    deps.templates.spoil(TENANT_ID, "default", "title: holds a brace")
    with pytest.raises(TemplateBroken):
        sent(deps, DaemonMessage("alice", "door-bell"))


def test_variables_of_other_templates_are_empty_and_no_error(deps: Deps) -> None:
    create_template(deps, a_call(), "order", Draft({"title": "Order {{order_id}} of {{caller}}"}))
    assert told(deps, DaemonMessage("alice", "order", "bob")).title == "Order  of bob"


def test_key_sends_once_also_when_the_template_is_gone(deps: Deps) -> None:
    first = send_from_daemon(deps, a_call("key"), CALL, "hash")
    delete_template(deps, a_call(), "call")
    again = send_from_daemon(deps, a_call("key"), CALL, "hash")
    assert (again.replayed, again.notification.id) == (True, first.notification.id)
    with pytest.raises(IdempotencyMismatch):
        send_from_daemon(deps, a_call("key"), CALL, "another hash")


def test_starters_are_stored_once_and_a_tenants_own_are_left_alone(deps: Deps) -> None:
    replace_template(deps, a_call(), "call", Draft({"title": "Ours"}))
    delete_template(deps, a_call(), "message")
    start_templates(deps, TENANT_ID, a_call().actor)
    found = {name: deps.templates.get(TENANT_ID, name) for name in ("call", "message", "keepalive", "default")}
    assert {name: template and template.version for name, template in found.items()} == {"call": 2, "message": 1, "keepalive": 1, "default": 1}
    assert deps.templates.get("globex", "call") is None
