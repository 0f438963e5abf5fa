"""A webhook: an endpoint of a tenant's own that its events are posted to, signed by the Standard Webhooks scheme.

Its secrets are `whsec_` and 32 random bytes in base64, sealed where they are stored. While a secret is being rotated both sign.
"""

from __future__ import annotations

import base64
import hmac
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from fanfare.domain.event import EventKind

MOST_WEBHOOKS = 20
"""So many has a tenant at most: each event is stored with a delivery for each."""
LONGEST_URL = 2_048
LONGEST_DESCRIPTION = 255
SECRET_PREFIX = "whsec_"  # noqa: S105 - how a secret begins, not one
SECRET_OVERLAP = timedelta(hours=24)
"""So long does the previous secret sign beside the new one."""
FAILING_FOR = timedelta(days=5)
"""A webhook whose deliveries have all failed for so long is disabled."""


class WebhookReason(StrEnum):
    """Why a webhook is inactive."""

    BY_CALLER = "by_caller"
    GONE = "gone"
    """Its endpoint answered 410."""
    FAILING = "failing"


@dataclass(frozen=True, slots=True)
class Webhook:
    """One endpoint. `failure_count` counts failed attempts since the last that was taken; those within ten seconds of each other count as one.

    `failing_since` is the first of them. `last_triggered_at` is the last attempt, to the minute. `noted_at` is when any of these was written last.
    `revision` is the store's mark of what was read.
    `rotation_id` names the request that the secret is of, where its repeat is to be known by it. A URL may hold a secret of its owner's: like the
    signing secrets it is kept out of whatever is printed.
    """

    id: str
    tenant: str
    url: str = field(repr=False)
    events: frozenset[EventKind]
    secret: str = field(repr=False)
    created_at: datetime
    updated_at: datetime
    description: str = ""
    active: bool = True
    inactive_reason: WebhookReason | None = None
    previous_secret: str | None = field(default=None, repr=False)
    previous_valid_until: datetime | None = None
    rotation_id: str | None = None
    failure_count: int = 0
    failing_since: datetime | None = None
    last_triggered_at: datetime | None = None
    noted_at: datetime | None = None
    created_by: str = ""
    revision: object = field(default=None, compare=False, repr=False)


def wanted_kinds(webhook: Webhook) -> frozenset[EventKind]:
    """What the tenant's document says of a webhook: nothing while it is inactive."""
    return webhook.events if webhook.active else frozenset()


def signing_secrets(webhook: Webhook, now: datetime) -> tuple[str, ...]:
    """The secrets that sign at `now`, the current one first."""
    if webhook.previous_secret is None or not _overlaps(webhook, now):
        return (webhook.secret,)
    return webhook.secret, webhook.previous_secret


def format_secret(raw: bytes) -> str:
    """Write 32 random bytes as the Standard Webhooks libraries take a secret."""
    return f"{SECRET_PREFIX}{base64.b64encode(raw).decode('ascii')}"


def rotated(webhook: Webhook, secret: str, rotation_id: str | None, now: datetime) -> Webhook:
    """Sign with another secret from now on, and with the present one beside it for `SECRET_OVERLAP`; one from before that signs no more.

    The repeat of a rotation whose answer was lost gets another secret in the place of the one that nobody knows, and the overlap stays as it was.
    """
    if hmac.compare_digest(secret, webhook.secret):
        # It was stored, and only the news of that was lost.
        return webhook
    if _is_repeat(webhook, rotation_id, now):
        return replace(webhook, secret=secret, updated_at=now)
    return replace(
        webhook,
        secret=secret,
        previous_secret=webhook.secret,
        previous_valid_until=now + SECRET_OVERLAP,
        rotation_id=rotation_id,
        updated_at=now,
    )


def _is_repeat(webhook: Webhook, rotation_id: str | None, now: datetime) -> bool:
    return rotation_id is not None and webhook.rotation_id == rotation_id and _overlaps(webhook, now)


def _overlaps(webhook: Webhook, now: datetime) -> bool:
    return webhook.previous_valid_until is not None and now < webhook.previous_valid_until
