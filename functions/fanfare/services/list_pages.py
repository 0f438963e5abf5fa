"""Lists: a page at a time, continued by a cursor that belongs to this very query."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from fanfare.domain.audit import StoredEntry
from fanfare.domain.client import Client, Scope
from fanfare.domain.dead_letter import AnyLetter
from fanfare.domain.device import Device
from fanfare.domain.device_search import DeviceSearch
from fanfare.domain.filters import (
    AuditFilter,
    DeadLetterFilter,
    NotificationFilter,
    ProfileFilter,
    ScheduleFilter,
    SegmentFilter,
    TemplateFilter,
    TopicFilter,
    WebhookDeliveryFilter,
    WebhookFilter,
    check_audit_filter,
    check_notification_filter,
)
from fanfare.domain.listing import Page, encode_cursor, parse_cursor, query_hash
from fanfare.domain.notification import Notification
from fanfare.domain.outcome import Result
from fanfare.domain.profile import Profile
from fanfare.domain.saved_segment import SavedSegment
from fanfare.domain.schedule import Schedule
from fanfare.domain.template import Template
from fanfare.domain.tenant import PLATFORM_TENANT, Tenant
from fanfare.domain.webhook import Webhook
from fanfare.domain.webhook_delivery import WebhookDelivery
from fanfare.ports import Deps
from fanfare.services.list_deliveries import Received, read_deliveries, with_reports
from fanfare.services.search_devices import search_devices
from fanfare.services.topics import CountedTopic
from fanfare.services.webhooks import get_webhook

T = TypeVar("T")
Listed = tuple[Sequence[T], str | None]
"""A page's items, and the cursor of the next page; None: this is the last."""


def list_devices(deps: Deps, tenant: str, search: DeviceSearch, limit: int, cursor: str | None) -> Listed[Device]:
    """List devices."""
    return _page(deps, query_hash(tenant, "devices", search), cursor, lambda after: search_devices(deps, tenant, search, limit, after))


def list_profiles(deps: Deps, tenant: str, filters: ProfileFilter, limit: int, cursor: str | None) -> Listed[Profile]:
    """List profiles."""
    return _page(deps, query_hash(tenant, "profiles", filters), cursor, lambda after: deps.profiles.list(tenant, filters, limit, after))


def list_templates(deps: Deps, tenant: str, filters: TemplateFilter, limit: int, cursor: str | None) -> Listed[Template]:
    """List templates."""
    return _page(deps, query_hash(tenant, "templates", filters), cursor, lambda after: deps.templates.list(tenant, filters, limit, after))


def list_segments(deps: Deps, tenant: str, filters: SegmentFilter, limit: int, cursor: str | None) -> Listed[SavedSegment]:
    """List saved segments by name."""
    return _page(deps, query_hash(tenant, "segments", filters), cursor, lambda after: deps.segments.list(tenant, filters, limit, after))


def list_schedules(deps: Deps, tenant: str, filters: ScheduleFilter, limit: int, cursor: str | None) -> Listed[Schedule]:
    """List schedules, the newest first."""
    return _page(deps, query_hash(tenant, "schedules", filters), cursor, lambda after: deps.schedules.list(tenant, filters, limit, after))


def list_topics(deps: Deps, tenant: str, filters: TopicFilter, limit: int, cursor: str | None) -> Listed[CountedTopic]:
    """List active topics with their numbers of subscribers."""
    read = partial(deps.topics.list, tenant, filters.prefix, limit)
    topics, following = _page(deps, query_hash(tenant, "topics", filters), cursor, read)
    counts = deps.subscriptions.count(tenant, [topic.name for topic in topics]) if topics else {}
    return [CountedTopic(topic, counts[topic.name]) for topic in topics], following


def list_notifications(deps: Deps, tenant: str, filters: NotificationFilter, limit: int, cursor: str | None) -> Listed[Notification]:
    """List notifications as they are stored, the newest first."""
    check_notification_filter(filters)
    return _page(deps, query_hash(tenant, "notifications", filters), cursor, lambda after: deps.notifications.list(tenant, filters, limit, after))


def list_dead_letters(deps: Deps, tenant: str, filters: DeadLetterFilter, limit: int, cursor: str | None) -> Listed[AnyLetter]:
    """List dead letters, the newest first."""
    query = query_hash(tenant, "dead_letters", filters)
    return _page(deps, query, cursor, lambda after: deps.notifications.list_dead_letters(tenant, filters, limit, after))


def list_audit(deps: Deps, tenant: str, filters: AuditFilter, limit: int, cursor: str | None) -> Listed[StoredEntry]:
    """List the audit log, the newest entry first."""
    check_audit_filter(filters)
    return _page(deps, query_hash(tenant, "audit", filters), cursor, lambda after: deps.audit.list(tenant, filters, limit, after))


def list_clients(deps: Deps, tenant: str, limit: int, cursor: str | None) -> Listed[Client]:
    """List a tenant's clients, the revoked ones included."""
    return _page(deps, query_hash(tenant, "clients"), cursor, lambda after: deps.clients.list(tenant, limit, after))


def list_apps(deps: Deps, client: Client, limit: int, cursor: str | None) -> Listed[Tenant]:
    """List the tenants that a client may see: all for the platform, else its own; the platform's is no app."""

    def read(after: str | None) -> Page[Tenant]:
        if Scope.PLATFORM in client.scopes:
            return deps.tenants.list(limit, after)
        own = deps.tenants.get_fresh(client.tenant)
        return Page([] if own is None else [own], None)

    tenants, following = _page(deps, query_hash(client.tenant, "apps"), cursor, read)
    return [tenant for tenant in tenants if tenant.id != PLATFORM_TENANT], following


def page_of_deliveries(deps: Deps, tenant: str, notification_id: str, limit: int, cursor: str | None) -> Listed[tuple[str, Result]]:
    """List a notification's recipients with their outcomes."""
    read = partial(read_deliveries, deps, tenant, notification_id, limit)
    return _page(deps, query_hash(tenant, f"deliveries/{notification_id}", None), cursor, read)


def page_of_received(deps: Deps, tenant: str, notification_id: str, limit: int, cursor: str | None) -> Listed[Received]:
    """The same, with what their apps have reported."""
    deliveries, following = page_of_deliveries(deps, tenant, notification_id, limit, cursor)
    return with_reports(deps, tenant, notification_id, deliveries), following


def list_webhooks(deps: Deps, tenant: str, filters: WebhookFilter, limit: int, cursor: str | None) -> Listed[Webhook]:
    """List a tenant's webhooks."""
    query = query_hash(tenant, "webhooks", filters)
    return _page(deps, query, cursor, lambda after: deps.webhooks.list(tenant, limit, after, active=filters.active))


def list_webhook_deliveries(
    deps: Deps, tenant: str, webhook_id: str, filters: WebhookDeliveryFilter, limit: int, cursor: str | None
) -> Listed[WebhookDelivery]:
    """List a webhook's deliveries, the newest first; NotFound."""
    get_webhook(deps, tenant, webhook_id)
    query = query_hash(tenant, f"webhooks/{webhook_id}/deliveries", filters)
    return _page(deps, query, cursor, lambda after: deps.deliveries.list(tenant, webhook_id, limit, after, state=filters.state))


def _page(deps: Deps, query: str, cursor: str | None, read: Callable[[str | None], Page[T]]) -> Listed[T]:
    key = deps.cursor_keys.cursor_key()
    page = read(parse_cursor(key, query, cursor) if cursor is not None else None)
    return page.items, encode_cursor(key, query, page.next_after) if page.next_after is not None else None
