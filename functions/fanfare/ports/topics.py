"""Topics, and who is subscribed to them, as Protocols. A write takes the audit entry that is stored with it, in one commit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from fanfare.domain.audit import Trail
from fanfare.domain.classification import Answer
from fanfare.domain.device import Device
from fanfare.domain.listing import Page
from fanfare.domain.subscribing import Subscription
from fanfare.domain.tenant import Tenant
from fanfare.domain.topic import Topic


class TopicStore(Protocol):
    """Topics. A deleted one leaves its name behind, so that a message to it can be refused; it may be created anew."""

    def get(self, tenant: str, name: str) -> Topic | None:
        """Find a topic as it is stored now, in whatever state; any text may be looked for."""
        ...

    def create(self, tenant: str, topic: Topic, audit: Trail) -> bool:
        """Store a new topic; False if the name is stored already, in whatever state."""
        ...

    def update(self, tenant: str, name: str, decide: Callable[[Topic], Topic | None], audit: Trail | None = None) -> Topic | None:
        """Apply a pure decision to a stored topic (None leaves it) and return its state; None if there is none of this name."""
        ...

    def list(self, tenant: str, prefix: str | None, limit: int, after: str | None) -> Page[Topic]:
        """List active topics in the order of their names, those that begin with `prefix`."""
        ...

    def list_deleting(self, tenant: str, limit: int) -> Sequence[Topic]:
        """List topics of a tenant whose deletion is under way."""
        ...

    def find_deleting(self, now: datetime, limit: int) -> Sequence[str]:
        """Find the tenants with topics whose deletion may end by `now`, the longest overdue first."""
        ...


class SubscriptionStore(Protocol):
    """Who is subscribed, by what stands in devices and profiles."""

    def count(self, tenant: str, topics: Sequence[str]) -> Mapping[str, int]:
        """Count each topic's active devices; the numbers may be up to 60 seconds old."""
        ...

    def find_devices(self, tenant: str, topic: str, limit: int) -> Sequence[str]:
        """Find devices, active or not, that are subscribed to a topic."""
        ...

    def find_profiles(self, tenant: str, topic: str, limit: int) -> Sequence[str]:
        """Find profiles, in whatever state, that are subscribed to a topic."""
        ...

    def list_of_profiles(self, tenant: str, profile_ids: Sequence[str], limit: int, after: str | None) -> Page[Device]:
        """List every device of at most 30 profiles in the order of their ids, softly deleted ones too."""
        ...

    def note(self, tenant: str, device_ids: Sequence[str], decide: Callable[[Device], Device | None]) -> Sequence[Device]:
        """Apply a decision to what FCM may not know of devices, and to nothing else; returns each device that there is as it is then.

        It does not count as a change of the device: `updated_at` stays.
        """
        ...

    def find_unsynced(self, now: datetime, limit: int) -> Sequence[tuple[str, str]]:
        """Find, in all tenants, devices of which FCM must be told by `now`: (tenant, device id), the longest overdue first."""
        ...

    def find_untold(self, now: datetime, limit: int) -> Sequence[tuple[str, str]]:
        """Find, in all tenants, profiles whose devices must be told of its topics by `now`: (tenant, profile id), the longest overdue first."""
        ...


class TopicSubscriber(Protocol):
    """FCM's topic subscriptions."""

    def tell(self, tenant: Tenant, subscriptions: Sequence[Subscription]) -> Iterator[Sequence[tuple[Subscription, Answer]]]:
        """Subscribe and unsubscribe targets and yield (what was told, answer) in batches, at least one a second, at the pace that FCM allows.

        To tell FCM what it knows is no error. Raises Unavailable if no access token for the tenant's project can be had now, CredentialRefused if
        Google refuses the tenant's credential.
        """
        ...
