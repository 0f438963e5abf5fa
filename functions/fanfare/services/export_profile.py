"""Everything that is held about a person, page by page: devices, notifications that were addressed to it, the audit log about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from fanfare.domain.audit import AuditEntry, StoredEntry
from fanfare.domain.call import Call
from fanfare.domain.device import Device
from fanfare.domain.filters import AuditFilter, NotificationFilter
from fanfare.domain.listing import Page, encode_cursor, parse_cursor, query_hash
from fanfare.domain.notification import Notification
from fanfare.domain.profile import Profile
from fanfare.ports import Deps
from fanfare.services.list_deliveries import Received, list_deliveries, with_reports
from fanfare.services.profile_devices import pages_of_devices
from fanfare.services.profiles import get_profile

MOST_NOTIFICATIONS = 20
"""Notifications of one page: each one's deliveries are read by themselves."""


class Section(StrEnum):
    """The parts of an export, in their order."""

    DEVICES = "devices"
    BY_USERNAME = "by_username"
    BY_PROFILE = "by_profile"
    AUDIT = "audit"


@dataclass(frozen=True, slots=True)
class Addressed:
    """A notification that the person was addressed by, and what became of it on the person's own devices."""

    notification: Notification
    deliveries: Sequence[Received]


@dataclass(frozen=True, slots=True)
class Export:
    """One page of an export. A notification that named nobody but through a phone number is not found again, and so not here."""

    profile: Profile
    devices: Sequence[Device] = ()
    notifications: Sequence[Addressed] = ()
    audit: Sequence[StoredEntry] = ()
    next_cursor: str | None = None


def export_profile(deps: Deps, call: Call, profile_id: str, limit: int, cursor: str | None) -> Export:
    """Read a page of what is held about a profile, also a deleted one; NotFound. An export's first page is noted in the audit log."""
    profile = get_profile(deps, call.tenant, profile_id)
    key, query = deps.cursor_keys.cursor_key(), query_hash(call.tenant, f"export/{profile_id}")
    place = parse_cursor(key, query, cursor) if cursor is not None else f"{Section.DEVICES}:"
    if cursor is None:
        deps.audit.record(call.tenant, AuditEntry("profile.exported", call.actor, deps.clock.now(), (profile_id,)))
    while True:
        name, _, after = place.partition(":")
        export, following = _read(deps, call.tenant, profile, Section(name), limit=limit, after=after or None)
        next_place = _place(Section(name), following)
        if next_place is None or export.devices or export.notifications or export.audit:
            return replace(export, next_cursor=encode_cursor(key, query, next_place) if next_place is not None else None)
        place = next_place


def _place(section: Section, following: str | None) -> str | None:
    if following is not None:
        return f"{section}:{following}"
    rest = list(Section)[list(Section).index(section) + 1 :]
    return f"{rest[0]}:" if rest else None


def _read(deps: Deps, tenant: str, profile: Profile, section: Section, *, limit: int, after: str | None) -> tuple[Export, str | None]:
    match section:
        case Section.DEVICES:
            devices = deps.devices.list_of_profile(tenant, profile.id, limit, after)
            return Export(profile, devices=devices.items), devices.next_after
        case Section.AUDIT:
            entries = deps.audit.list(tenant, AuditFilter(resource="profile", resource_id=profile.id), limit, after)
            return Export(profile, audit=entries.items), entries.next_after
        case _:
            found = _notifications(deps, tenant, profile, section, limit=min(limit, MOST_NOTIFICATIONS), after=after)
            own = frozenset(device.id for devices in pages_of_devices(deps, tenant, profile.id) for device in devices) if found.items else frozenset()
            addressed = [Addressed(notification, _own_deliveries(deps, tenant, notification, profile, own)) for notification in found.items]
            return Export(profile, notifications=addressed), found.next_after


def _notifications(deps: Deps, tenant: str, profile: Profile, section: Section, *, limit: int, after: str | None) -> Page[Notification]:
    if section is Section.BY_PROFILE:
        return deps.notifications.list(tenant, NotificationFilter(profile_id=profile.id), limit, after)
    if profile.username is None:
        return Page((), None)
    return deps.notifications.list(tenant, NotificationFilter(username=profile.username), limit, after)


def _own_deliveries(deps: Deps, tenant: str, notification: Notification, profile: Profile, own: frozenset[str]) -> Sequence[Received]:
    """A device that has been erased since is still the person's by the username that it was reached under."""
    deliveries = list_deliveries(deps, tenant, notification.id)
    names = {profile.username} - {None}
    theirs = [(device_id, result) for device_id, result in deliveries if device_id in own or result.username in names]
    return with_reports(deps, tenant, notification.id, theirs)
