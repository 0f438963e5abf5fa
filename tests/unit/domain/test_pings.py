"""Pings: who of a page gets one, what it says on each platform, and what a reply changes."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from firebase_admin import messaging

from fanfare.adapters.template_engine import MinijinjaRenderer
from fanfare.domain.call import ActorKind
from fanfare.domain.composition import compose
from fanfare.domain.device import Device
from fanfare.domain.encoding import encode
from fanfare.domain.keepalive import Keepalive, KeepaliveState
from fanfare.domain.keepalive_settings import KeepaliveSettings
from fanfare.domain.message import Platform, Priority, TargetKind
from fanfare.domain.message_rules import check_message
from fanfare.domain.notification import Counts, Notification
from fanfare.domain.ping_message import ping_of
from fanfare.domain.pings import HEAVIEST_PAGE, heard_of, plan_page
from fanfare.domain.rendering import render
from fanfare.domain.target import Target
from fanfare.domain.template import Template
from tests.factories import NOW, a_device

SETTINGS = KeepaliveSettings(enabled=True)
DAY = timedelta(days=1)
DUE = Keepalive(KeepaliveState.PLANNED, next=NOW)
RENDERER = MinijinjaRenderer()


def devices(*keepalives: Keepalive, **fields: Any) -> list[Device]:
    return [a_device(id=f"d{number}", keepalive=keepalive, **fields) for number, keepalive in enumerate(keepalives)]


def ping(template: Template | None = None, recipients: int = 1) -> Notification:
    return ping_of("acme", template, recipients, notification_id="ping-1", request_id="request-1", now=NOW)


def a_template(**fields: Any) -> Template:
    return Template(**{"name": "keepalive", "message": {}, "created_at": NOW, "updated_at": NOW, "version": 7, **fields})


def rendered(notification: Notification, platform: Platform, username: str | None = "alice") -> dict[str, Any]:
    assert notification.wording is not None
    message = compose(notification.wording, notification.request, RENDERER.render, platform=platform, username=username)
    check_message(message)
    return render(message, platform, notification_id="ping-1", ttl_seconds=notification.ttl_seconds, planned_at=NOW, now=NOW)


def test_the_due_are_pinged_the_new_get_a_time_and_the_silent_get_nothing() -> None:
    silent = replace(DUE, reply=NOW - 8 * DAY)
    page = plan_page(devices(DUE, Keepalive(), silent), SETTINGS, NOW, [0.1, 0.5, 0.9], held=False)
    assert [row.device_id for row in page.pinged] == ["d0"]
    assert [device.keepalive.state for device in page.devices] == [KeepaliveState.PLANNED, KeepaliveState.PLANNED, KeepaliveState.STOPPED]
    assert [device.keepalive.last for device in page.devices] == [NOW, None, None]
    assert not page.has_more


def test_each_device_has_a_chance_of_its_own() -> None:
    page = plan_page(devices(*[Keepalive()] * 3), SETTINGS, NOW, [0, 0.25, 0.5], held=False)
    tomorrow = datetime(NOW.year, NOW.month, NOW.day, tzinfo=UTC) + DAY
    assert [device.keepalive.next for device in page.devices] == [tomorrow, tomorrow + DAY / 4, tomorrow + DAY / 2]


def test_nobody_of_a_held_tenant_is_pinged() -> None:
    page = plan_page(devices(DUE, DUE), SETTINGS, NOW, [0.5, 0.5], held=True)
    assert (len(page.devices), page.pinged) == (2, ())


def test_what_is_not_due_after_all_is_left() -> None:
    assert plan_page(devices(replace(DUE, next=NOW + DAY)), SETTINGS, NOW, [0.5], held=False).devices == ()
    assert plan_page([], SETTINGS, NOW, [], held=False).devices == ()


def test_a_page_ends_where_one_commit_does() -> None:
    page = plan_page(devices(*[DUE] * 501), SETTINGS, NOW, [0.5] * 501, held=False)
    assert (len(page.devices), page.has_more) == (500, True)
    long = Target(TargetKind.TOKEN, "x" * 4_096)
    heavy = plan_page(devices(*[DUE] * 300, target=long), SETTINGS, NOW, [0.5] * 300, held=False)
    assert heavy.has_more
    assert 0.9 * HEAVIEST_PAGE < sum(len(row.target.value) for row in heavy.pinged) < HEAVIEST_PAGE


@pytest.mark.parametrize(
    ("template", "priority"),
    [
        (None, "high"),
        (a_template(), "high"),
        (a_template(message={"priority": "normal", "title": "Background sync"}), "normal"),
        (a_template(message={"priority": "high"}), "high"),
        (a_template(message={"priority": "normal"}, active=False), "high"),
        (a_template(defect="broken by hand"), "high"),
    ],
)
def test_the_priority_is_that_of_the_template_and_nothing_else_is(template: Template | None, priority: str) -> None:
    assert rendered(ping(template), Platform.ANDROID) == {
        "data": {"type": "keepalive", "username": "alice", "fanfare_id": "ping-1"},
        "android": {"priority": priority, "ttl": "86400s"},
    }


def test_ios_wakes_the_app_in_the_background_whatever_the_template_says() -> None:
    for template in (None, a_template(message={"priority": "normal"})):
        block = rendered(ping(template), Platform.IOS)["apns"]
        expires = str(int((NOW + DAY).timestamp()))
        assert block["headers"] == {"apns-push-type": "background", "apns-priority": "5", "apns-expiration": expires}
        assert block["payload"] == {"aps": {"content-available": 1}}


@pytest.mark.parametrize("platform", Platform)
def test_nothing_is_shown(platform: Platform) -> None:
    message = rendered(ping(), platform)
    assert "notification" not in message
    assert all("notification" not in block for block in message.values())


def test_a_device_without_a_username_is_pinged_all_the_same() -> None:
    assert rendered(ping(), Platform.ANDROID, None)["data"]["username"] == ""


def test_a_username_is_never_looked_at_as_a_template() -> None:
    assert rendered(ping(), Platform.ANDROID, "{{username}} {% if")["data"]["username"] == "{{username}} {% if"


def test_firebase_admin_writes_the_same() -> None:
    encoded = encode(rendered(ping(), Platform.ANDROID), kind=TargetKind.FID)
    ours = json.loads(encoded.splice("fid-1", "n.d.mac"))["message"]
    data = {"type": "keepalive", "username": "alice", "fanfare_id": "ping-1", "fanfare_receipt": "n.d.mac"}
    android = messaging.AndroidConfig(priority="high", ttl=timedelta(days=1))
    theirs = messaging.Message(data=data, fid="fid-1", android=android)
    assert ours == json.loads(str(theirs))


def test_the_notification_is_the_functions_own_and_waits_for_one_chunk() -> None:
    made = ping(recipients=3)
    assert (made.actor_kind, made.client_id, made.type, made.template) == (ActorKind.FUNCTION, "keepalive", "keepalive", "keepalive")
    assert (made.counts, made.chunk_count, made.planned_at) == (Counts(3, unsent=3), 1, NOW)
    assert made.next_check_at is not None
    assert made.message.priority is Priority.HIGH


def test_a_reply_counts_as_seen_once_a_day() -> None:
    seen = a_device(last_seen_at=NOW - DAY)
    heard = heard_of(seen, NOW)
    assert heard == replace(seen, keepalive=Keepalive(reply=NOW), last_seen_at=NOW)
    assert heard is not None
    assert heard_of(heard, NOW + timedelta(hours=1)) is None
    pinged = replace(heard, keepalive=replace(heard.keepalive, last=NOW + timedelta(minutes=5)))
    again = heard_of(pinged, NOW + timedelta(minutes=6))
    assert again is not None
    assert (again.keepalive.reply, again.last_seen_at) == (NOW + timedelta(minutes=6), NOW)
