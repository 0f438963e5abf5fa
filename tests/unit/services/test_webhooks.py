"""Webhooks as services keep them: what is stored, what the tenant listens to, and what the audit log tells of it."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from fanfare.domain.audit import AuditEntry
from fanfare.domain.errors import InvalidRequest, NotFound, TooManyWebhooks, WebhookInactive
from fanfare.domain.event import EventKind
from fanfare.domain.filters import AuditFilter, WebhookDeliveryFilter, WebhookFilter
from fanfare.domain.webhook import MOST_WEBHOOKS, SECRET_OVERLAP, Webhook, WebhookReason, signing_secrets
from fanfare.domain.webhook_delivery import DeliveryKey, DeliveryState
from fanfare.ports import Deps
from fanfare.services.list_pages import list_webhook_deliveries, list_webhooks
from fanfare.services.webhooks import NewWebhook, change_webhook, create_webhook, delete_webhook, get_webhook, rotate_secret, try_webhook
from tests.factories import NOW, TENANT_ID, a_call, a_tenant
from tests.fakes import FixedClock, RecordingTaskQueue, fake_deps
from tests.fakes.tasks import WebhookTask
from tests.fakes.webhook_poster import ScriptedWebhookPoster

URL = "https://hooks.example.com/in?token=hush"
NEW = NewWebhook(URL, ["notification.completed", "notification.failed"], "Order service")
KINDS = frozenset({EventKind.NOTIFICATION_COMPLETED, EventKind.NOTIFICATION_FAILED})


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def deps(clock: FixedClock) -> Deps:
    found = fake_deps(clock=clock, poster=ScriptedWebhookPoster(private={"intranet.example.com"}))
    found.tenants.create(a_tenant())
    return found


def _wanted(deps: Deps) -> dict[str, frozenset[EventKind]]:
    tenant = deps.tenants.get(TENANT_ID)
    assert tenant is not None
    return dict(tenant.listening.webhooks)


def _audit(deps: Deps) -> list[AuditEntry]:
    return [row.entry for row in reversed(deps.audit.list(TENANT_ID, AuditFilter(), 100, None).items)]


def _fields(attempt: Callable[[], object]) -> list[str]:
    with pytest.raises(InvalidRequest) as refused:
        attempt()
    return [error.field for error in refused.value.errors]


# Making


def test_created_webhook_is_kept_listened_to_and_has_a_secret_of_its_own(deps: Deps) -> None:
    webhook, other = create_webhook(deps, a_call(), NEW), create_webhook(deps, a_call(), NEW)
    assert get_webhook(deps, TENANT_ID, webhook.id) == webhook
    assert (webhook.url, webhook.events, webhook.description, webhook.active, webhook.created_by) == (URL, KINDS, "Order service", True, "client-1")
    assert len(base64.b64decode(webhook.secret.removeprefix("whsec_"), validate=True)) == 32
    assert webhook.secret != other.secret
    assert _wanted(deps) == {webhook.id: KINDS, other.id: KINDS}


@pytest.mark.parametrize(
    ("new", "fields"),
    [
        (replace(NEW, url="https://127.0.0.1/"), ["url"]),
        (replace(NEW, url="https://intranet.example.com/"), ["url"]),
        (replace(NEW, events=["notification.sent", "push.sent"]), ["events.1"]),
        (replace(NEW, events=["webhook.test"]), ["events.0"]),
        (replace(NEW, description="\n"), ["description"]),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_stored(deps: Deps, new: NewWebhook, fields: list[str]) -> None:
    assert _fields(lambda: create_webhook(deps, a_call(), new)) == fields
    assert deps.webhooks.list(TENANT_ID, 10, None).items == []
    assert (_wanted(deps), _audit(deps)) == ({}, [])


def test_tenant_has_twenty_webhooks_at_most(deps: Deps) -> None:
    for _ in range(MOST_WEBHOOKS):
        create_webhook(deps, a_call(), NEW)
    with pytest.raises(TooManyWebhooks):
        create_webhook(deps, a_call(), NEW)


def test_repeat_under_a_key_finds_the_webhook_of_the_request_whose_answer_was_lost(deps: Deps) -> None:
    first = create_webhook(deps, a_call("key-1"), NEW)
    assert create_webhook(deps, a_call("key-1"), NEW) == first
    assert len(deps.webhooks.list(TENANT_ID, 10, None).items) == 1


def test_repeat_finds_it_also_where_its_name_can_not_be_looked_up_any_more(deps: Deps) -> None:
    first = create_webhook(deps, a_call("key-1"), NEW)
    assert isinstance(deps.poster, ScriptedWebhookPoster)
    deps.poster.private.add("hooks.example.com")
    assert create_webhook(deps, a_call("key-1"), NEW) == first


def test_another_key_another_caller_or_another_body_makes_another_webhook(deps: Deps) -> None:
    made = {
        create_webhook(deps, call, new).id
        for call, new in (
            (a_call("key-1"), NEW),
            (a_call("key-2"), NEW),
            (a_call("key-1", id="client-2"), NEW),
            (a_call("key-1"), replace(NEW, url="https://other.example.com/")),
            (a_call("key-1"), replace(NEW, events=["device.revived"])),
        )
    }
    assert len(made) == 5


# Changing


def test_change_is_stored_and_listened_to(deps: Deps, clock: FixedClock) -> None:
    webhook = create_webhook(deps, a_call(), NEW)
    clock.advance(timedelta(hours=1))
    given = {"url": "https://new.example.com/", "events": ["device.revived"], "description": ""}
    changed = change_webhook(deps, a_call(), webhook.id, given)
    revived = frozenset({EventKind.DEVICE_REVIVED})
    assert changed == replace(webhook, url="https://new.example.com/", events=revived, description="", updated_at=clock.now())
    assert get_webhook(deps, TENANT_ID, webhook.id) == changed
    assert _wanted(deps) == {webhook.id: revived}


def test_webhook_is_switched_off_and_on_and_begins_anew(deps: Deps) -> None:
    webhook = create_webhook(deps, a_call(), NEW)
    off = change_webhook(deps, a_call(), webhook.id, {"active": False})
    assert (off.active, off.inactive_reason, _wanted(deps)) == (False, WebhookReason.BY_CALLER, {})
    deps.webhooks.update(TENANT_ID, webhook.id, lambda before: replace(before, failure_count=9, failing_since=NOW))
    on = change_webhook(deps, a_call(), webhook.id, {"active": True})
    assert (on.active, on.inactive_reason, on.failure_count, on.failing_since) == (True, None, 0, None)
    assert _wanted(deps) == {webhook.id: KINDS}


def test_change_to_what_it_is_already_is_no_write(deps: Deps) -> None:
    webhook = create_webhook(deps, a_call(), NEW)
    assert change_webhook(deps, a_call(), webhook.id, {"url": URL, "active": True}) == webhook
    assert [entry.action for entry in _audit(deps)] == ["webhook.created"]


@pytest.mark.parametrize(
    ("given", "fields"),
    [
        ({"url": "https://intranet.example.com/"}, ["url"]),
        ({"events": ["nonsense"]}, ["events.0"]),
        ({"description": "x" * 256}, ["description"]),
    ],
)
def test_wrong_change_is_refused_whole(deps: Deps, given: dict[str, object], fields: list[str]) -> None:
    webhook = create_webhook(deps, a_call(), NEW)
    assert _fields(lambda: change_webhook(deps, a_call(), webhook.id, {"active": False, **given})) == fields
    assert get_webhook(deps, TENANT_ID, webhook.id) == webhook


def test_deleted_webhook_is_gone_and_nobody_listens(deps: Deps) -> None:
    webhook = create_webhook(deps, a_call(), NEW)
    delete_webhook(deps, a_call(), webhook.id)
    assert _wanted(deps) == {}
    attempts: list[Callable[[], object]] = [
        lambda: get_webhook(deps, TENANT_ID, webhook.id),
        lambda: change_webhook(deps, a_call(), webhook.id, {"url": "nonsense"}),
        lambda: delete_webhook(deps, a_call(), webhook.id),
        lambda: rotate_secret(deps, a_call(), webhook.id),
        lambda: try_webhook(deps, a_call(), webhook.id),
        lambda: list_webhook_deliveries(deps, TENANT_ID, webhook.id, WebhookDeliveryFilter(), 10, None),
    ]
    for attempt in attempts:
        with pytest.raises(NotFound):
            attempt()


def test_another_tenants_webhook_is_unknown(deps: Deps) -> None:
    webhook = create_webhook(deps, a_call(), NEW)
    with pytest.raises(NotFound):
        get_webhook(deps, "globex", webhook.id)
    with pytest.raises(NotFound):
        rotate_secret(deps, a_call(tenant="globex"), webhook.id)
    assert get_webhook(deps, TENANT_ID, webhook.id) == webhook


# Secrets


def test_new_secret_signs_beside_the_one_before_for_a_day(deps: Deps, clock: FixedClock) -> None:
    webhook = create_webhook(deps, a_call(), NEW)
    rotated = rotate_secret(deps, a_call(), webhook.id)
    assert get_webhook(deps, TENANT_ID, webhook.id) == rotated
    assert signing_secrets(rotated, clock.now()) == (rotated.secret, webhook.secret)
    assert signing_secrets(rotated, clock.now() + SECRET_OVERLAP) == (rotated.secret,)
    assert rotated.secret != webhook.secret


def test_repeated_rotation_keeps_the_secret_that_is_in_use(deps: Deps) -> None:
    webhook = create_webhook(deps, a_call(), NEW)
    lost = rotate_secret(deps, a_call("key-1"), webhook.id)
    repeated = rotate_secret(deps, a_call("key-1"), webhook.id)
    assert (repeated.previous_secret, repeated.secret == lost.secret) == (webhook.secret, False)
    assert rotate_secret(deps, a_call("key-2"), webhook.id).previous_secret == repeated.secret


# The audit log


def test_audit_log_tells_the_host_and_the_kinds_and_no_more(deps: Deps) -> None:
    webhook = create_webhook(deps, a_call(), NEW)
    change_webhook(deps, a_call(), webhook.id, {"url": "https://new.example.com/in?token=hush", "events": ["device.revived"]})
    rotated = rotate_secret(deps, a_call(), webhook.id)
    try_webhook(deps, a_call(), webhook.id)
    delete_webhook(deps, a_call(), webhook.id)
    entries = _audit(deps)
    assert [entry.action.partition(".")[2] for entry in entries] == ["created", "updated", "rotated", "tested", "deleted"]
    assert [entry.facts["host"] for entry in entries] == ["hooks.example.com", *["new.example.com"] * 4]
    assert {entry.resource_ids for entry in entries} == {(webhook.id,)}
    change = entries[1].changes["events"]
    assert (change.before, change.after) == ("notification.completed, notification.failed", "device.revived")
    assert entries[1].changes["url"].after == "(not shown)"
    told = repr(entries)
    assert [secret for secret in ("hush", webhook.secret, rotated.secret) if secret in told] == []


# Trying


def test_tried_webhook_alone_gets_an_event_that_is_stored_first(deps: Deps) -> None:
    webhook = create_webhook(deps, a_call(), NEW)
    create_webhook(deps, a_call(), NEW)
    event = try_webhook(deps, a_call(), webhook.id)
    key = DeliveryKey(TENANT_ID, webhook.id, event.id)
    stored = deps.events.get(TENANT_ID, event.id)
    assert stored is not None
    assert stored.kind is EventKind.WEBHOOK_TEST
    assert f'"data":{{"webhook_id":"{webhook.id}"}}' in stored.body.decode()
    (delivery,) = list_webhook_deliveries(deps, TENANT_ID, webhook.id, WebhookDeliveryFilter(), 10, None)[0]
    assert (delivery.key, delivery.state, delivery.request_id) == (key, DeliveryState.PENDING, "request-1")
    assert isinstance(deps.tasks, RecordingTaskQueue)
    assert deps.tasks.webhooks == [WebhookTask(key, "request-1")]


def test_inactive_webhook_is_not_tried(deps: Deps) -> None:
    webhook = create_webhook(deps, a_call(), NEW)
    change_webhook(deps, a_call(), webhook.id, {"active": False})
    with pytest.raises(WebhookInactive):
        try_webhook(deps, a_call(), webhook.id)
    assert list_webhook_deliveries(deps, TENANT_ID, webhook.id, WebhookDeliveryFilter(), 10, None)[0] == []
    assert [entry.action for entry in _audit(deps)] == ["webhook.created", "webhook.updated"]


# Lists


def test_webhooks_are_listed_in_pages_and_a_cursor_belongs_to_its_filter(deps: Deps) -> None:
    made: list[Webhook] = [create_webhook(deps, a_call(), NEW) for _ in range(3)]
    off = change_webhook(deps, a_call(), made[0].id, {"active": False})
    items, cursor = list_webhooks(deps, TENANT_ID, WebhookFilter(active=True), 1, None)
    assert cursor is not None
    more, end = list_webhooks(deps, TENANT_ID, WebhookFilter(active=True), 1, cursor)
    assert (sorted([*items, *more], key=lambda webhook: webhook.id), end) == (sorted(made[1:], key=lambda webhook: webhook.id), None)
    assert list_webhooks(deps, TENANT_ID, WebhookFilter(active=False), 10, None) == ([off], None)
    assert len(list_webhooks(deps, TENANT_ID, WebhookFilter(), 10, None)[0]) == 3
    assert _fields(lambda: list_webhooks(deps, TENANT_ID, WebhookFilter(), 1, cursor)) == ["cursor"]


def test_deliveries_are_listed_the_newest_first_by_their_state(deps: Deps, clock: FixedClock) -> None:
    webhook, other = create_webhook(deps, a_call(), NEW), create_webhook(deps, a_call(), NEW)
    events = []
    for _ in range(3):
        clock.advance(timedelta(minutes=1))
        events.append(try_webhook(deps, a_call(), webhook.id).id)
    try_webhook(deps, a_call(), other.id)
    claimed = deps.deliveries.claim(DeliveryKey(TENANT_ID, webhook.id, events[1]), "owner", clock.now())
    assert claimed
    first, cursor = list_webhook_deliveries(deps, TENANT_ID, webhook.id, WebhookDeliveryFilter(), 2, None)
    last, end = list_webhook_deliveries(deps, TENANT_ID, webhook.id, WebhookDeliveryFilter(), 2, cursor)
    assert [delivery.key.event_id for delivery in (*first, *last)] == events[::-1]
    assert end is None
    sending = list_webhook_deliveries(deps, TENANT_ID, webhook.id, WebhookDeliveryFilter(DeliveryState.SENDING), 10, None)[0]
    assert [delivery.key.event_id for delivery in sending] == [events[1]]
    assert _fields(lambda: list_webhook_deliveries(deps, TENANT_ID, other.id, WebhookDeliveryFilter(), 2, cursor)) == ["cursor"]
