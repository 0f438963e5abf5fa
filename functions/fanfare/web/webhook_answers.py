"""Webhooks and their deliveries as the API shows them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from fanfare.domain.webhook import Webhook
from fanfare.domain.webhook_delivery import WebhookDelivery
from fanfare.web.instants import show_time
from fanfare.web.schema import Out
from fanfare.web.webhook_schemas import KindName, StateName


class WebhookOut(Out):
    """A webhook. Its secret is shown where it is made and nowhere else.

    `failure_count` counts failed attempts since the last that was taken, of which `failing_since` is the first; `last_triggered_at` is the last
    attempt, to the minute. The secret before the last rotation signs until `previous_valid_until`.
    """

    id: str
    url: str
    events: list[KindName]
    description: str
    active: bool
    inactive_reason: Literal["by_caller", "gone", "failing"] | None
    failure_count: int
    failing_since: datetime | None
    last_triggered_at: datetime | None
    previous_valid_until: datetime | None
    created_by: str
    created_at: datetime
    updated_at: datetime


class WebhookWithSecret(WebhookOut):
    """A webhook with its new secret, which can't be shown again."""

    secret: str


class WebhookPage(Out):
    """A page of webhooks."""

    items: list[WebhookOut]
    next_cursor: str | None


class TestedOut(Out):
    """The event that was stored to be delivered; the webhook's deliveries tell what became of it."""

    event_id: str


class ReplayOut(Out):
    """How many events are on their way once more; null where they are still being looked for."""

    replaying: int | None


class WebhookDeliveryOut(Out):
    """One event on its way to a webhook.

    `last_status` is the endpoint's last answer, null where it gave none; `last_error` says in a word why. `reason` is why it has ended as it has.
    """

    event_id: str
    kind: KindName | Literal["webhook.test"]
    state: StateName
    reason: str | None
    attempts: int
    last_status: int | None
    last_error: str | None
    next_attempt_at: datetime | None
    last_attempt_at: datetime | None
    created_at: datetime
    completed_at: datetime | None
    request_id: str


class WebhookDeliveryPage(Out):
    """A page of a webhook's deliveries."""

    items: list[WebhookDeliveryOut]
    next_cursor: str | None


def show_webhook(webhook: Webhook) -> dict[str, Any]:
    """A webhook as the API shows it."""
    return {
        "id": webhook.id,
        "url": webhook.url,
        "events": sorted(kind.value for kind in webhook.events),
        "description": webhook.description,
        "active": webhook.active,
        "inactive_reason": webhook.inactive_reason,
        "failure_count": webhook.failure_count,
        "failing_since": show_time(webhook.failing_since),
        "last_triggered_at": show_time(webhook.last_triggered_at),
        "previous_valid_until": show_time(webhook.previous_valid_until),
        "created_by": webhook.created_by,
        "created_at": show_time(webhook.created_at),
        "updated_at": show_time(webhook.updated_at),
    }


def show_with_secret(webhook: Webhook) -> dict[str, Any]:
    """A webhook as the answer to its making or to a rotation shows it."""
    return {**show_webhook(webhook), "secret": webhook.secret}


def show_webhook_delivery(delivery: WebhookDelivery) -> dict[str, Any]:
    """A delivery as the API shows it."""
    return {
        "event_id": delivery.key.event_id,
        "kind": delivery.kind,
        "state": delivery.state,
        "reason": delivery.reason,
        "attempts": delivery.attempts,
        "last_status": delivery.last_status or None,
        "last_error": delivery.last_error,
        "next_attempt_at": show_time(delivery.next_attempt_at),
        "last_attempt_at": show_time(delivery.last_attempt_at),
        "created_at": show_time(delivery.created_at),
        "completed_at": show_time(delivery.completed_at),
        "request_id": delivery.request_id,
    }
