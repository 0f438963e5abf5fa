"""Requests that name a template, from their acceptance to what each recipient is told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fanfare.domain.breaker import ALL, FIRST_PROBE
from fanfare.domain.call import Actor, ActorKind, Call
from fanfare.domain.chunk import ChunkKey
from fanfare.domain.errors import FanfareError, IdempotencyMismatch, InvalidRequest, TemplateBroken, TemplateInactive
from fanfare.domain.message import TargetKind
from fanfare.domain.notification import Notification
from fanfare.domain.outcome import Outcome
from fanfare.domain.send_request import Addressees, RawTarget, message_of
from fanfare.domain.target import Target
from fanfare.domain.template import Draft
from fanfare.services.accept_notification import accept_notification
from fanfare.services.templates import create_template, delete_template, replace_template
from tests.factories import TENANT_ID, a_device, a_token, an_owner
from tests.unit.services.delivering import ANDROID, BAD_PAYLOAD, BAD_TARGET, FORBIDDEN, IOS, WEB, World, a_world
from tests.unit.services.seeding import a_request, add_devices

CALL = Call(TENANT_ID, Actor(ActorKind.CLIENT, "client-1"), "request-1")
KEYED = replace(CALL, idempotency_key="key")
MESSAGE = {"title": "Order", "body": "Hello {{name}}, your order #{{order_id}} is {{status}}"}
VARIABLES: dict[str, Any] = {"name": "John", "order_id": 1234, "status": "ready"}


def _world(*platforms: Any, batch_size: int = 100, **fields: Any) -> World:
    world = a_world(*platforms, batch_size=batch_size)
    create_template(world.deps, CALL, "order", Draft(**{"message": MESSAGE} | fields))
    return world


def _everybody(count: int) -> Addressees:
    return Addressees(device_ids=tuple(f"device-{number}" for number in range(1, count + 1)))


def _accept(world: World, to: Addressees, call: Call = CALL, variables: dict[str, Any] | None = None, **own: Any) -> Notification:
    given = VARIABLES if variables is None else variables
    raw = {"template": "order", "variables": given, **own}
    request = a_request(to, message=message_of(raw), raw=raw, template="order", variables=given)
    return accept_notification(world.deps, call, request).notification


def _told(world: World, notification: Notification) -> dict[str, str]:
    """Deliver; what each device's message says in its body."""
    world.deliver(ChunkKey(TENANT_ID, notification.id, 0))
    return {device_id: body["message"]["notification"].get("body") for device_id, body in world.sender.sent}


def test_each_recipient_is_told_in_its_language_and_on_its_platform() -> None:
    world = _world(platforms={"ios": {"body": "On iOS: {{status}}"}}, locales={"sw": {"body": "Habari {{name}}"}, "sw-TZ": {"title": "Agizo"}})
    devices = (("a", ANDROID, None), ("b", IOS, "en"), ("c", IOS, "sw-KE"), ("d", WEB, "sw_TZ"))
    add_devices(world.deps, *(a_device(id=name, platform=platform, locale=locale) for name, platform, locale in devices))
    notification = _accept(world, Addressees(device_ids=("a", "b", "c", "d")))
    assert _told(world, notification) == {
        "a": "Hello John, your order #1234 is ready",
        "b": "On iOS: ready",
        "c": "Habari John",
        "d": "Habari John",
    }
    assert [body["message"]["notification"]["title"] for _, body in world.sender.sent] == ["Order", "Order", "Order", "Agizo"]


def test_each_recipient_is_told_its_own_username() -> None:
    world = _world(message={"body": "Hi {{username}}"}, defaults={"username": "friend"})
    add_devices(world.deps, a_device(id="a", owners=(an_owner("alice"),)), a_device(id="b", owners=(an_owner("bob"),)), a_device(id="c", owners=()))
    notification = _accept(world, Addressees(device_ids=("a", "b", "c")))
    assert _told(world, notification) == {"a": "Hi user-of-alice", "b": "Hi user-of-bob", "c": "Hi friend"}


def test_requests_own_fields_win_and_are_literal() -> None:
    world = _world(ANDROID)
    notification = _accept(world, _everybody(1), variables={}, body="{{name}}", ttl_seconds=7)
    assert _told(world, notification) == {"device-1": "{{name}}"}
    assert notification.ttl_seconds == 7


def test_literal_text_of_a_request_without_a_template_is_never_expanded() -> None:
    world = a_world(ANDROID)
    raw = {"title": "x", "body": "{{name}} {name}"}
    notification = accept_notification(world.deps, CALL, a_request(_everybody(1), message=message_of(raw), raw=raw)).notification
    assert _told(world, notification) == {"device-1": "{{name}} {name}"}


def test_change_of_the_template_does_not_change_what_is_under_way() -> None:
    world = _world(ANDROID)
    notification = _accept(world, _everybody(1))
    replace_template(world.deps, CALL, "order", Draft({"body": "changed"}))
    delete_template(world.deps, CALL, "order")
    assert _told(world, notification) == {"device-1": "Hello John, your order #1234 is ready"}
    assert notification.wording is not None
    assert (notification.wording.template, notification.wording.version) == ("order", 1)


def test_topic_is_told_what_everybody_is_told() -> None:
    world = _world(locales={"sw": {"body": "Habari"}})
    _accept(world, Addressees(fanned_out=Target(TargetKind.TOPIC, "news")))
    world.deliver(world.tasks.sends[-1].key)
    (body,) = (body["message"] for _, body in world.sender.sent)
    assert (body["topic"], body["notification"]["body"]) == ("news", "Hello John, your order #1234 is ready")


@pytest.mark.parametrize(("name", "seconds"), [("order", 86_400), ("call", 60)])
def test_life_follows_from_the_template(name: str, seconds: int) -> None:
    world = a_world(ANDROID)
    create_template(world.deps, CALL, name, Draft({"title": "x", "priority": "high"}))
    request = a_request(_everybody(1), message=message_of({}), raw={"template": name}, template=name)
    assert accept_notification(world.deps, CALL, request).notification.ttl_seconds == seconds


# What is refused, nothing stored


def _refusal(world: World, to: Addressees, **fields: Any) -> FanfareError:
    with pytest.raises(FanfareError) as refused:
        _accept(world, to, KEYED, **fields)
    assert world.tasks.sends == []
    assert not world.deps.notifications.find_overdue(world.clock.now().replace(year=2030), 10).notifications
    return refused.value


def test_unknown_template_is_named() -> None:
    refused = _refusal(a_world(ANDROID), _everybody(1))
    assert isinstance(refused, InvalidRequest)
    assert [(error.field, error.message) for error in refused.errors] == [("template", "names no template")]


def test_template_that_is_switched_off_sends_nothing() -> None:
    assert isinstance(_refusal(_world(ANDROID, active=False), _everybody(1)), TemplateInactive)


def test_template_that_was_broken_by_hand_sends_nothing_and_says_why() -> None:
    world = _world(ANDROID)
    world.deps.templates.spoil(TENANT_ID, "order", "body: must be a text")  # type: ignore[attr-defined]
    refused = _refusal(world, _everybody(1))
    assert isinstance(refused, TemplateBroken)
    assert "body: must be a text" in refused.detail


@pytest.mark.parametrize(
    ("variables", "field"),
    [
        ({"name": "John", "order_id": "1"}, "variables.status"),
        ({**VARIABLES, "name": "y" * 3_900}, "body"),
    ],
)
def test_what_can_not_be_worded_is_refused_by_its_field(variables: dict[str, Any], field: str) -> None:
    refused = _refusal(_world(ANDROID), _everybody(1), variables=variables)
    assert isinstance(refused, InvalidRequest)
    assert {error.field for error in refused.errors} == {field}


def test_rendering_that_is_too_big_in_one_language_is_refused_whoever_is_reached() -> None:
    refused = _refusal(
        _world(locales={"sw": {"data": {"k": "{{name}}"}}}), Addressees(device_ids=("nobody",)), variables={**VARIABLES, "name": "y" * 2_000}
    )
    assert "locale sw" in refused.detail


def test_rendering_that_is_too_big_for_one_username_is_refused() -> None:
    world = _world(message={"body": "y" * 3_700 + "{{username}}"})
    add_devices(world.deps, a_device(id="a"), a_device(id="b", owners=(an_owner("p", username="z" * 120),), target=a_token("b")))
    short = _accept(world, Addressees(device_ids=("a",)))
    assert short.counts.targeted == 1
    world.tasks.sends.clear()
    with pytest.raises(InvalidRequest):
        _accept(world, Addressees(device_ids=("a", "b")), data={"k": "y" * 120})
    assert world.tasks.sends == []
    assert _accept(world, Addressees(device_ids=("a",)), data={"k": "y" * 120}).counts.targeted == 1


# Repeats


def _switch_off(world: World) -> None:
    replace_template(world.deps, CALL, "order", Draft(MESSAGE, active=False))


def _delete(world: World) -> None:
    delete_template(world.deps, CALL, "order")


@pytest.mark.parametrize("change", [_switch_off, _delete])
def test_repeat_gets_the_first_notification_although_the_template_is_gone(change: Any) -> None:
    world = _world(ANDROID)
    first = _accept(world, _everybody(1), KEYED)
    change(world)
    assert _accept(world, _everybody(1), KEYED).id == first.id
    assert len(world.tasks.sends) == 1
    raw = {"template": "order"}
    with pytest.raises(IdempotencyMismatch):
        accept_notification(world.deps, KEYED, a_request(_everybody(1), raw=raw, template="order", request_hash="another"))


# Delivery


def test_rendition_that_fcm_refuses_fails_those_who_share_it_alone() -> None:
    world = _world(batch_size=1, locales={"sw": {"body": "Habari"}})
    add_devices(world.deps, *(a_device(id=f"device-{number}", locale="sw" if number % 2 else "en") for number in range(1, 7)))
    notification = _accept(world, _everybody(6))
    world.answer({1: BAD_PAYLOAD})
    key = ChunkKey(TENANT_ID, notification.id, 0)
    world.deliver(key)
    outcomes = world.outcomes(key)
    assert {number for number, outcome in outcomes.items() if outcome is Outcome.SENT} == {2, 4, 6}
    assert {number for number, outcome in outcomes.items() if outcome is Outcome.FAILED} == {1, 3, 5}


def test_bad_target_is_judged_by_its_own_rendition() -> None:
    world = _world(locales={"sw": {"body": "Habari"}})
    add_devices(world.deps, a_device(id="device-1", locale="sw"), a_device(id="device-2"))
    notification = _accept(world, _everybody(2))
    world.answer({1: BAD_TARGET})
    world.deliver(ChunkKey(TENANT_ID, notification.id, 0))
    asked = [body["message"] for _, body in world.sender.sent if body.get("validate_only")]
    assert [(message["topic"], message["notification"]["body"]) for message in asked] == [("fanfare-validation", "Habari")]
    assert world.retired() == [1]


def test_recipient_that_can_not_be_worded_any_more_fails_with_a_reason_and_the_others_are_sent_to() -> None:
    world = _world(message={"body": "{{username}}"})
    add_devices(world.deps, a_device(id="device-1", owners=(an_owner("a", username="x" * 5_000),)), a_device(id="device-2"))
    with pytest.raises(InvalidRequest):
        _accept(world, _everybody(2))
    key = _with_unwordable_recipient(world)
    world.deliver(key)
    assert world.outcomes(key) == {1: Outcome.FAILED, 2: Outcome.SENT}
    assert world.chunk(key).errors == ({"device_id": "device-1", "code": "TEMPLATE_FAILED"},)


def test_breaker_that_could_only_be_probed_with_what_can_not_be_worded_closes_and_the_send_tells() -> None:
    world = _world(message={"body": "{{username}}"})
    add_devices(world.deps, a_device(id="device-1"), a_device(id="device-2"))
    world.answer({2: FORBIDDEN})
    key = _with_unwordable_recipient(world)
    world.deliver(key)
    assert ALL in world.tenant().breakers
    world.answer({})
    world.tick(FIRST_PROBE)
    assert world.tenant().breakers == {}
    world.tick()
    assert world.outcomes(key) == {1: Outcome.FAILED, 2: Outcome.SENT}


def _with_unwordable_recipient(world: World) -> ChunkKey:
    """A notification as an earlier version of the code might have let it through: device-1's username is too long to be filled in."""
    notification = _accept(world, Addressees(device_ids=("device-2",)))
    (row,) = world.deps.chunks.read_recipients(ChunkKey(TENANT_ID, notification.id, 0))
    unwordable = row._replace(device_id="device-1", username="x" * 5_000, target=a_token("device-1"))
    stored = replace(notification, id="other", counts=replace(notification.counts, targeted=2, unsent=2))
    assert world.deps.notifications.accept(stored, [unwordable, row]) is None
    return ChunkKey(TENANT_ID, "other", 0)


def test_bare_target_is_told_what_everybody_is_told() -> None:
    world = _world(locales={"sw": {"body": "Habari"}})
    notification = _accept(world, Addressees(targets=(RawTarget(a_token("raw"), ANDROID),)))
    assert list(_told(world, notification).values()) == ["Hello John, your order #1234 is ready"]
