"""What lists are filtered by, and which filters go together."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

from fanfare.domain.dead_letter import DeadLetterKind
from fanfare.domain.errors import InvalidRequest
from fanfare.domain.message import Platform
from fanfare.domain.notification import NotificationStatus
from fanfare.domain.schedule import ScheduleStatus
from fanfare.domain.webhook_delivery import DeliveryState


@dataclass(frozen=True, slots=True)
class DeviceFilter:
    """Which devices to list; None does not filter. One of `profile_id`, `topic` and `tag` at most: Firestore takes one array filter a query."""

    profile_id: str | None = None
    platform: Platform | None = None
    active: bool | None = None
    device_id: str | None = None
    topic: str | None = None
    tag: str | None = None


@dataclass(frozen=True, slots=True)
class ProfileFilter:
    """Which profiles to list; None does not filter. `tags` means all of them; `deleted` lists those that can be restored instead of the others."""

    username: str | None = None
    phone_number: str | None = None
    external_id: str | None = None
    tags: tuple[str, ...] = ()
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class NotificationFilter:
    """Which notifications to list; None does not filter. One of `username` and `profile_id` at most is given, with nothing but times beside it."""

    status: NotificationStatus | None = None
    template: str | None = None
    type: str | None = None
    caller: str | None = None
    username: str | None = None
    profile_id: str | None = None
    client_id: str | None = None
    topic: str | None = None
    schedule_id: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class DeadLetterFilter:
    """Which dead letters to list; None does not filter."""

    kind: DeadLetterKind | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which entries of the audit log to list; None does not filter. `client_id` is whoever acted."""

    client_id: str | None = None
    action: str | None = None
    resource: str | None = None
    resource_id: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class TemplateFilter:
    """Which templates to list; None does not filter. `prefix` is what their names begin with."""

    active: bool | None = None
    prefix: str | None = None


@dataclass(frozen=True, slots=True)
class SegmentFilter:
    """Which saved segments to list; None does not filter. `prefix` is what their names begin with."""

    prefix: str | None = None


@dataclass(frozen=True, slots=True)
class ScheduleFilter:
    """Which schedules to list; None does not filter."""

    status: ScheduleStatus | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class TopicFilter:
    """Which topics to list; None does not filter. `prefix` is what their names begin with."""

    prefix: str | None = None


@dataclass(frozen=True, slots=True)
class WebhookFilter:
    """Which webhooks to list; None does not filter."""

    active: bool | None = None


@dataclass(frozen=True, slots=True)
class WebhookDeliveryFilter:
    """Which deliveries of a webhook to list; None does not filter."""

    state: DeliveryState | None = None


_TIMES = frozenset({"created_after", "created_before"})


def check_notification_filter(filters: NotificationFilter) -> None:
    """Refuse combinations that no index serves (docs/indexes.md): InvalidRequest names the filters that don't go together."""
    _check_beside(filters, "username", _TIMES)
    _check_beside(filters, "profile_id", _TIMES)


def check_audit_filter(filters: AuditFilter) -> None:
    """Refuse combinations that no index serves, as above."""
    _check_beside(filters, "resource_id", _TIMES | {"resource"})


def _check_beside(filters: NotificationFilter | AuditFilter, name: str, allowed: frozenset[str]) -> None:
    """A filter that looks into an array takes no other ones beside it than those that its index holds."""
    given = {field for field, value in asdict(filters).items() if value is not None}
    others = sorted(given - allowed - {name})
    if name in given and others:
        raise InvalidRequest.at(name, f"can't be combined with {', '.join(others)}; only with {', '.join(sorted(allowed))}")
