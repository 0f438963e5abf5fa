"""Webhooks, the deliveries to them, and the posting itself, as Protocols."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from fanfare.domain.audit import AuditEntry, Trail
from fanfare.domain.chunk import Busy, Finished
from fanfare.domain.dead_letter import WebhookLetter
from fanfare.domain.endpoint_answer import NotPosted, Posted
from fanfare.domain.event import StoredEvent
from fanfare.domain.listing import Page
from fanfare.domain.webhook import Webhook
from fanfare.domain.webhook_delivery import DeliveryKey, DeliveryState, WebhookDelivery


class WebhookStore(Protocol):
    """The webhooks of tenants. What each wants stands in the tenant's document too, written by the same commit (`Listening.webhooks`)."""

    def create(self, webhook: Webhook, audit: Trail) -> None:
        """Store a new webhook; Conflict if its id is taken, TooManyWebhooks if the tenant has `MOST_WEBHOOKS`."""
        ...

    def get(self, tenant: str, webhook_id: str) -> Webhook | None:
        """Find a webhook as it is stored now."""
        ...

    def list(self, tenant: str, limit: int, after: str | None, *, active: bool | None = None) -> Page[Webhook]:
        """List a tenant's webhooks in the order of their ids."""
        ...

    def update(self, tenant: str, webhook_id: str, decide: Callable[[Webhook], Webhook | None], audit: Trail | None = None) -> Webhook | None:
        """Apply a pure decision (None leaves it); returns its state, or None if there is no such webhook."""
        ...

    def delete(self, tenant: str, webhook_id: str, audit: Trail) -> bool:
        """Remove a webhook; False if there is none. Its deliveries are dropped as they come due."""
        ...


@dataclass(frozen=True, slots=True)
class ClaimedDelivery:
    """A delivery that is ours to attempt, and what it needs: all read in one call."""

    delivery: WebhookDelivery
    webhook: Webhook
    event: StoredEvent


class WebhookDeliveryStore(Protocol):
    """Deliveries: `webhooks/{id}/deliveries/{event}`."""

    def claim(self, key: DeliveryKey, owner: str, now: datetime) -> ClaimedDelivery | Busy | Finished:
        """Take a delivery that is due, exclusively until its lease ends; the attempt counts from here on.

        One that can't be attempted any more ends here with a reason (`decide_delivery_claim`), and with a dead letter where a replay may mend it.
        """
        ...

    def conclude(self, delivery: WebhookDelivery, dead_letter: WebhookLetter | None = None) -> bool:
        """Store what an attempt came to, guarded by its claim; False if that was lost."""
        ...

    def find_overdue(self, now: datetime, limit: int) -> Sequence[DeliveryKey]:
        """Find, in all tenants, deliveries whose next check has passed, the longest overdue first."""
        ...

    def put_off(self, keys: Sequence[DeliveryKey], now: datetime) -> None:
        """Note that the sweep has nudged these: those that still wait are overdue again `SWEPT_AGAIN` later. One that is missed is nudged again."""
        ...

    def get_many(self, keys: Sequence[DeliveryKey]) -> Sequence[WebhookDelivery | None]:
        """Find deliveries in one call, in the order asked for."""
        ...

    def list(self, tenant: str, webhook_id: str, limit: int, after: str | None, *, state: DeliveryState | None = None) -> Page[WebhookDelivery]:
        """List a webhook's deliveries, the newest first."""
        ...

    def replay(
        self, webhook: Webhook, events: Sequence[StoredEvent], now: datetime, request_id: str, audit: AuditEntry | None = None
    ) -> Sequence[DeliveryKey]:
        """Make deliveries of these events due again at `now`, with all their attempts ahead; one under way is left. Returns which were.

        They are stored a page in a commit, each with the entry (none, if there is nothing to store); their dead letters are marked as replayed.
        """
        ...

    def remove_deliveries(self, tenant: str, before: datetime, limit: int) -> int:
        """Remove at most `limit` deliveries that were created at `before` or earlier; returns how many."""
        ...


class WebhookPoster(Protocol):
    """HTTP to endpoints that strangers have named: https and public addresses alone, the address that was checked is the one that is connected to."""

    def check_url(self, url: str) -> str | None:
        """Say why a URL can't be an endpoint, in words for its field; None if it can. Its name is looked up."""
        ...

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Posted | NotPosted:
        """Post a body, within `TIMEOUT` in all; never follows a redirect."""
        ...


class EndpointSlots(Protocol):
    """The attempts of this instance that are under way: an endpoint that is slow never takes the threads of others (`may_attempt`)."""

    def enter(self, endpoint: str) -> bool:
        """Begin an attempt to an endpoint; False: too many are under way to it."""
        ...

    def leave(self, endpoint: str, *, slow: bool | None = None) -> None:
        """End an attempt that was begun; `slow` says whether it was slow, if it came to a post."""
        ...
