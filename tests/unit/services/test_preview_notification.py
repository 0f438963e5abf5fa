"""What a preview tells is what the request would do; and nothing of it is done."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from fanfare.domain.audit import trail
from fanfare.domain.call import Actor, ActorKind, Call
from fanfare.domain.channels import Channel, Importance
from fanfare.domain.errors import FanfareError, InvalidRequest, TemplateInactive
from fanfare.domain.filters import NotificationFilter
from fanfare.domain.message import Message, Platform
from fanfare.domain.pacing import BULK_LANE, TOPIC_LANE, Course, Pacing
from fanfare.domain.payload import message_bytes
from fanfare.domain.segment import Segment
from fanfare.domain.send_request import Addressees, RawTarget, SendRequest, message_of
from fanfare.domain.target import check_condition, check_topic
from fanfare.domain.template import Draft
from fanfare.domain.tenant_settings import TenantSettings
from fanfare.domain.topic import Topic, TopicState
from fanfare.ports import Deps
from fanfare.services.accept_notification import accept_notification
from fanfare.services.preview_messages import SpokenPreview
from fanfare.services.preview_notification import NotificationPreview, preview_notification
from fanfare.services.templates import create_template
from tests.factories import NOW, TENANT_ID, a_device, a_tenant, a_token
from tests.fakes import RecordingTaskQueue, fake_deps
from tests.unit.services.seeding import add_devices, add_profile, device_of, profile_id

CALL = Call(TENANT_ID, Actor(ActorKind.CLIENT, "client-1", None), "request-1")
TRAIL = trail("made", CALL.actor, NOW)
EVERYONE = Addressees(segment=Segment())


def _request(to: Addressees, /, **said: Any) -> SendRequest:
    raw = {"title": "Hello"} | said
    return SendRequest(
        to=to,
        only=Segment(),
        message=message_of(raw),
        raw=raw,
        request_hash="hash-1",
        template=said.get("template"),
        variables=said.get("variables", {}),
    )


def _preview(deps: Deps, to: Addressees, /, **said: Any) -> NotificationPreview:
    return preview_notification(deps, CALL, _request(to, **said))


def _with_template(deps: Deps, **draft: Any) -> None:
    create_template(deps, CALL, "greeting", Draft(**{"message": {"body": "Hello {{username}}"}} | draft))


def _by_form(preview: NotificationPreview) -> dict[tuple[Platform | None, str | None], SpokenPreview]:
    return {(spoken.platform, spoken.locale): spoken for spoken in preview.messages}


def _put_lane(deps: Deps, lane: str, next_at: Any) -> None:
    deps.pacing.reserve(TENANT_ID, lane, lambda _: (None, Pacing(Course(next_at))))


def test_named_people_are_counted_by_their_devices_and_the_stale_are_told() -> None:
    deps = fake_deps()
    profile = add_profile(deps)
    for name, days in (("fresh", 1), ("old", 31), ("older", 90)):
        add_devices(deps, device_of(profile, id=name, last_seen_at=NOW - timedelta(days=days)))
    found = _preview(deps, Addressees(addresses=(profile_id(profile.id),)))
    assert (found.audience.devices, found.audience.reachable, found.audience.unreachable_share) == (3, 1, 0.6667)
    assert (found.forecast.starts_at, found.forecast.messages, found.forecast.operations.tasks) == (NOW, 3, 1)
    assert found.cost_dollars > 0


def test_nobody_is_a_preview_too() -> None:
    found = _preview(fake_deps(), Addressees(addresses=(profile_id("unknown"),)))
    assert (found.audience.devices, found.audience.reachable, found.audience.unreachable_share) == (0, 0, None)
    assert (found.forecast.messages, found.forecast.operations.tasks) == (0, 0)


def test_of_bare_targets_only_their_number_is_known() -> None:
    targets = (RawTarget(a_token("1"), Platform.IOS), RawTarget(a_token("1"), Platform.IOS), RawTarget(a_token("2"), Platform.WEB))
    found = _preview(fake_deps(), Addressees(targets=targets))
    assert (found.audience.devices, found.audience.reachable, found.audience.unreachable_share) == (2, None, None)
    assert {spoken.platform for spoken in found.messages} == {Platform.IOS, Platform.WEB}
    assert found.forecast.operations.reads == 2


def test_everyone_is_counted_in_the_audience_and_waits_for_what_is_queued() -> None:
    deps = fake_deps()
    add_devices(deps, *(a_device(id=f"d{number}", target=a_token(f"d{number}")) for number in range(5)))
    _put_lane(deps, BULK_LANE, NOW + timedelta(minutes=5))
    found = _preview(deps, EVERYONE, ramp=[1, 100])
    assert (found.audience.devices, found.audience.reachable, found.audience.unreachable_share, found.audience.estimated) == (5, 5, 0, False)
    assert found.audience.as_of is not None
    assert found.forecast.starts_at == NOW + timedelta(minutes=5)
    assert [(step.chunks, step.devices) for step in found.forecast.steps] == [(1, 5)]


def test_segment_is_narrowed_as_the_send_would_be() -> None:
    deps = fake_deps()
    add_devices(deps, a_device(id="a"), a_device(id="i", platform=Platform.IOS, target=a_token("i")))
    to = Addressees(segment=Segment(platform=(Platform.IOS,)))
    assert _preview(deps, to, to={"segment": {"platform": ["ios"]}}).audience.devices == 1


def test_empty_audience_is_over_at_once() -> None:
    found = _preview(fake_deps(), EVERYONE, ramp=[1, 100])
    assert (found.audience.devices, found.forecast.messages, found.forecast.steps) == (0, 0, ())
    assert found.forecast.finishes_at == NOW


def test_topic_of_ours_is_counted_and_one_of_fcm_s_own_is_not() -> None:
    deps = fake_deps()
    deps.topics.create(TENANT_ID, Topic("news", NOW, NOW), TRAIL)
    add_devices(deps, a_device(id="a", topics=("news",)), a_device(id="b", target=a_token("b")))
    _put_lane(deps, TOPIC_LANE, NOW + timedelta(seconds=9))
    ours, theirs = (_preview(deps, Addressees(fanned_out=check_topic(name))) for name in ("news", "weather"))
    assert (ours.audience.devices, theirs.audience.devices) == (1, None)
    assert (ours.forecast.starts_at, ours.forecast.messages) == (NOW + timedelta(seconds=9), 1)
    assert [(spoken.platform, spoken.locale) for spoken in ours.messages] == [(None, None)]


def test_whom_a_condition_means_nobody_here_knows() -> None:
    assert _preview(fake_deps(), Addressees(fanned_out=check_condition("'a' in topics || 'b' in topics"))).audience.devices is None


def test_deleted_topic_is_refused_as_the_send_would_be() -> None:
    deps = fake_deps()
    deps.topics.create(TENANT_ID, Topic("news", NOW, NOW, state=TopicState.DELETED), TRAIL)
    with pytest.raises(InvalidRequest, match=r"to\.topic: names a topic that is deleted"):
        _preview(deps, Addressees(fanned_out=check_topic("news")))


def test_every_platform_and_language_of_a_template_is_shown() -> None:
    deps = fake_deps()
    _with_template(deps, locales={"sw": {"body": "Habari {{username}}"}})
    profile = add_profile(deps)
    add_devices(deps, device_of(profile))
    found = _by_form(_preview(deps, Addressees(addresses=(profile_id(profile.id),)), template="greeting", title="Own"))
    assert found.keys() == {(platform, locale) for platform in Platform for locale in (None, "sw")}
    spoken = found[Platform.IOS, "sw"]
    assert spoken.message is not None
    assert (spoken.message.title, spoken.message.body) == ("Own", f"Habari {profile.username}")
    assert (spoken.size_bytes, spoken.fits, spoken.errors) == (message_bytes(spoken.message, Platform.IOS), True, ())


def test_audience_is_shown_no_name_and_measured_with_the_longest() -> None:
    deps = fake_deps()
    _with_template(deps)
    spoken = _by_form(_preview(deps, EVERYONE, template="greeting"))[Platform.WEB, None]
    assert spoken.message is not None
    assert spoken.message.body == "Hello "
    assert spoken.size_bytes == message_bytes(spoken.message, Platform.WEB) + 128


def test_message_that_is_too_big_is_shown_with_its_size_and_the_reason() -> None:
    spoken = _by_form(_preview(fake_deps(), EVERYONE, body="x" * 4_090))[Platform.ANDROID, None]
    assert spoken.size_bytes is not None
    assert spoken.size_bytes > 4_096
    assert not spoken.fits
    assert "FCM allows 4096" in spoken.errors[0]


def test_topic_s_messages_have_half_the_room() -> None:
    (spoken,) = _preview(fake_deps(), Addressees(fanned_out=check_topic("news")), body="x" * 2_000).messages
    assert (spoken.fits, len(spoken.errors)) == (False, 1)


def test_message_that_says_nothing_or_nonsense_is_shown_with_the_reason() -> None:
    deps = fake_deps()
    said: tuple[dict[str, Any], ...] = ({"title": None}, {"android": {"notification": "x"}})
    for wrong in said:
        spoken = _by_form(_preview(deps, EVERYONE, **wrong))[Platform.ANDROID, None]
        assert (spoken.size_bytes, spoken.fits) == (None, False)
        assert spoken.errors


def test_channel_that_the_app_does_not_have_is_told() -> None:
    deps = fake_deps()
    settings = TenantSettings(channels=(Channel("orders", "Orders", Importance.DEFAULT, None, None),))
    deps.tenants.create(a_tenant(settings=settings))
    known, unknown = (_by_form(_preview(deps, EVERYONE, channel=name))[Platform.ANDROID, None] for name in ("orders", "news"))
    assert (known.errors, unknown.fits) == ((), True)
    assert "channel" in unknown.errors[0]


@pytest.mark.parametrize(("said", "field"), [({"template": "unknown"}, "template"), ({"template": "greeting"}, "variables.city")])
def test_request_that_can_t_be_understood_is_refused(said: dict[str, Any], field: str) -> None:
    deps = fake_deps()
    _with_template(deps, message={"body": "{{city}}"})
    with pytest.raises(InvalidRequest) as refused:
        _preview(deps, EVERYONE, **said)
    assert [error.field for error in refused.value.errors] == [field]


def test_inactive_template_is_refused() -> None:
    deps = fake_deps()
    _with_template(deps, active=False)
    with pytest.raises(TemplateInactive):
        _preview(deps, EVERYONE, template="greeting")


def test_nothing_is_stored_reserved_or_sent() -> None:
    tasks = RecordingTaskQueue()
    deps = fake_deps(tasks=tasks)
    add_devices(deps, a_device())
    for to in (EVERYONE, Addressees(device_ids=("device-1",)), Addressees(fanned_out=check_topic("news"))):
        _preview(deps, to)
    assert list(deps.notifications.list(TENANT_ID, NotificationFilter(), 10, None).items) == []
    assert [deps.pacing.get(TENANT_ID, lane) for lane in (BULK_LANE, TOPIC_LANE)] == [Pacing(), Pacing()]
    assert tasks.sends == []


MESSAGES = (Message(title="Hello"), Message(), Message(title="x" * 4_000), Message(android={"notification": {"title": 1}}), Message(ttl_seconds=-1))


@pytest.mark.parametrize("message", MESSAGES)
@pytest.mark.parametrize("to", [EVERYONE, Addressees(device_ids=("device-1",)), Addressees(fanned_out=check_topic("news"))])
def test_a_message_is_shown_without_errors_if_and_only_if_it_would_be_accepted(message: Message, to: Addressees) -> None:
    deps = fake_deps()
    add_devices(deps, a_device())
    raw = {name: value for name in ("title", "android", "ttl_seconds") if (value := getattr(message, name))}
    request = SendRequest(to=to, only=Segment(), message=message, raw=raw, request_hash="hash-1")
    shown = preview_notification(deps, CALL, request).messages
    try:
        accept_notification(deps, CALL, request)
    except FanfareError:
        assert any(spoken.errors for spoken in shown)
    else:
        assert not any(spoken.errors for spoken in shown)
