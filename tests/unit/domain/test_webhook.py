"""Webhooks: their secrets, what they want, and what a change makes of them."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfare.domain.errors import InvalidRequest
from fanfare.domain.event import LISTENABLE, EventKind
from fanfare.domain.event_cursor import before
from fanfare.domain.webhook import SECRET_OVERLAP, WebhookReason, format_secret, rotated, signing_secrets, wanted_kinds
from fanfare.domain.webhook_delivery import DeliveryKey, DeliveryState, WebhookDelivery
from fanfare.domain.webhook_replay import Replay, is_replayed
from fanfare.domain.webhook_rules import KINDS, changed_webhook, host_of, read_description, read_events
from tests.factories import NOW, TENANT_ID, a_webhook

LATER = NOW + timedelta(hours=1)
SECOND = timedelta(seconds=1)


def _fields(error: InvalidRequest) -> list[str]:
    return [wrong.field for wrong in error.errors]


# Secrets


def test_secret_is_what_the_libraries_of_the_scheme_take() -> None:
    raw = bytes(range(224, 256))
    secret = format_secret(raw)
    assert secret.startswith("whsec_")
    assert base64.b64decode(secret.removeprefix("whsec_"), validate=True) == raw


def test_rotation_lets_the_secret_before_sign_for_a_day() -> None:
    first = a_webhook()
    second = rotated(first, "whsec_bmV3", None, NOW)
    assert signing_secrets(second, NOW) == ("whsec_bmV3", first.secret)
    assert signing_secrets(second, NOW + SECRET_OVERLAP - SECOND) == ("whsec_bmV3", first.secret)
    assert signing_secrets(second, NOW + SECRET_OVERLAP) == ("whsec_bmV3",)
    assert (second.updated_at, second.previous_valid_until) == (NOW, NOW + timedelta(hours=24))


def test_webhook_that_was_never_rotated_signs_with_its_secret_alone() -> None:
    assert signing_secrets(a_webhook(), NOW) == (a_webhook().secret,)


def test_second_rotation_ends_the_oldest_secret() -> None:
    first = a_webhook()
    second = rotated(first, "whsec_Mg==", None, NOW)
    third = rotated(second, "whsec_Mw==", None, LATER)
    assert signing_secrets(third, LATER) == ("whsec_Mw==", "whsec_Mg==")
    assert third.previous_valid_until == LATER + SECRET_OVERLAP


def test_repeated_rotation_replaces_the_secret_that_nobody_knows_and_keeps_the_one_in_use() -> None:
    first = a_webhook()
    lost = rotated(first, "whsec_Mg==", "rotation-1", NOW)
    repeated = rotated(lost, "whsec_Mw==", "rotation-1", LATER)
    assert signing_secrets(repeated, LATER) == ("whsec_Mw==", first.secret)
    assert repeated.previous_valid_until == NOW + SECRET_OVERLAP


@pytest.mark.parametrize(("rotation_id", "at"), [("rotation-2", LATER), (None, LATER), ("rotation-1", NOW + SECRET_OVERLAP)])
def test_what_is_no_repeat_is_a_rotation(rotation_id: str | None, at: Any) -> None:
    before_it = rotated(a_webhook(), "whsec_Mg==", "rotation-1", NOW)
    assert rotated(before_it, "whsec_Mw==", rotation_id, at).previous_secret == "whsec_Mg=="


def test_first_rotation_is_no_repeat() -> None:
    assert rotated(a_webhook(rotation_id="rotation-1"), "whsec_Mg==", "rotation-1", NOW).previous_secret == a_webhook().secret


def test_rotation_that_is_stored_already_is_left_as_it_is() -> None:
    stored = rotated(a_webhook(), "whsec_Mg==", None, NOW)
    assert rotated(stored, "whsec_Mg==", None, LATER) is stored


def test_printed_webhook_shows_neither_secrets_nor_its_url() -> None:
    webhook = rotated(a_webhook(url="https://hooks.example.com/?token=hush"), "whsec_bmV3", None, NOW)
    printed = repr(webhook)
    assert [secret for secret in (webhook.secret, webhook.previous_secret, "hush") if secret is None or secret in printed] == []


# What it wants


@given(st.frozensets(st.sampled_from(sorted(LISTENABLE)), min_size=1))
def test_webhook_wants_its_kinds_while_it_is_active(kinds: frozenset[EventKind]) -> None:
    assert wanted_kinds(a_webhook(events=kinds)) == kinds
    assert wanted_kinds(a_webhook(events=kinds, active=False)) == frozenset()


@given(st.lists(st.sampled_from(KINDS), min_size=1, max_size=13))
def test_named_kinds_are_read(names: list[str]) -> None:
    assert {kind.value for kind in read_events(names)} == set(names)


@pytest.mark.parametrize(
    ("names", "fields"),
    [
        ([], ["events"]),
        (["device.revived"] * 14, ["events"]),
        (["device.revived", "nonsense", "device.revived", "webhook.test"], ["events.1", "events.3"]),
        (["Device.revived"], ["events.0"]),
    ],
)
def test_kinds_that_nobody_can_listen_to_are_named(names: list[str], fields: list[str]) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read_events(names)
    assert _fields(refused.value) == fields


@pytest.mark.parametrize("text", ["", "Orders — ✓ 😀", "x" * 255])
def test_description_is_a_line_for_people(text: str) -> None:
    assert read_description(text) == text


@pytest.mark.parametrize("text", ["x" * 256, "two\nlines", "line\n", "\x7f"])
def test_description_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read_description(text)
    assert _fields(refused.value) == ["description"]


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://user:pw@hooks.example.com:8443/path?token=x#y", "hooks.example.com"),
        ("https://[2001:db8::1]/", "2001:db8::1"),
        ("https://[", ""),
        ("nonsense", ""),
    ],
)
def test_host_is_all_that_is_told_of_a_url(url: str, host: str) -> None:
    assert host_of(url) == host


# What a change makes of it


FAILING = {"failure_count": 9, "failing_since": NOW - timedelta(days=2)}


@pytest.mark.parametrize(
    ("stored", "given_fields", "becomes"),
    [
        ({}, {"url": "https://new.example.com/"}, {"url": "https://new.example.com/"}),
        ({}, {"events": frozenset({EventKind.DEVICE_REVIVED})}, {"events": frozenset({EventKind.DEVICE_REVIVED})}),
        ({"description": "x"}, {"description": ""}, {"description": ""}),
        (FAILING, {"url": "https://new.example.com/"}, {**FAILING, "url": "https://new.example.com/"}),
        ({}, {"active": False}, {"active": False, "inactive_reason": WebhookReason.BY_CALLER}),
        ({"active": False, "inactive_reason": WebhookReason.GONE}, {"active": True}, {"active": True, "inactive_reason": None}),
        ({"active": False, "inactive_reason": WebhookReason.FAILING, **FAILING}, {"active": True}, {}),
        (FAILING, {"active": True}, {}),
    ],
)
def test_what_is_given_is_changed_and_the_rest_stays(stored: dict[str, Any], given_fields: dict[str, Any], becomes: dict[str, Any]) -> None:
    kept = {} if given_fields.get("active") else stored
    assert changed_webhook(a_webhook(**stored), given_fields, LATER) == a_webhook(**{**kept, **becomes, "updated_at": LATER})


@pytest.mark.parametrize(
    ("stored", "given_fields"),
    [
        ({}, {}),
        ({}, {"active": True, "url": a_webhook().url}),
        ({"active": False, "inactive_reason": WebhookReason.GONE}, {"active": False}),
    ],
)
def test_change_to_what_it_is_already_changes_nothing(stored: dict[str, Any], given_fields: dict[str, Any]) -> None:
    assert changed_webhook(a_webhook(**stored), given_fields, LATER) is None


# Replays


def _delivery(**fields: Any) -> WebhookDelivery:
    key = DeliveryKey(TENANT_ID, "webhook-1", "event-1")
    delivery = WebhookDelivery(key, EventKind.NOTIFICATION_FAILED, DeliveryState.DELIVERED, NOW, None, None, completed_at=LATER)
    return replace(delivery, **fields)


@pytest.mark.parametrize(
    ("delivery", "expected"),
    [
        (None, False),
        (_delivery(), True),
        (_delivery(completed_at=LATER + SECOND), True),
        (_delivery(completed_at=LATER - SECOND), False),
        (_delivery(completed_at=None), False),
        (_delivery(state=DeliveryState.FAILED), False),
    ],
)
def test_delivery_that_was_taken_since_the_replay_was_asked_for_is_done(delivery: WebhookDelivery | None, *, expected: bool) -> None:
    replay = Replay(TENANT_ID, "webhook-1", before(NOW), NOW, LATER)
    assert is_replayed(delivery, replay.asked_at) is expected
