"""Which devices a filter means: one pure predicate, used for `only`, for segments and for shards alike."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from fanfare.domain.message import Platform
from fanfare.domain.versions import VersionClause, is_in_range


class Matchable(Protocol):
    """What a filter looks at; a device and a packed row both have it."""

    @property
    def platform(self) -> Platform:
        """Where the app runs."""
        ...

    @property
    def app_version(self) -> str | None:
        """The app's version, if it said one."""
        ...

    @property
    def os_version(self) -> str | None:
        """The system's version, if it said one."""
        ...

    @property
    def locale(self) -> str | None:
        """Its language tag."""
        ...

    @property
    def timezone(self) -> str | None:
        """Its IANA time zone."""
        ...

    @property
    def last_seen_at(self) -> datetime:
        """When it was heard of last."""
        ...

    @property
    def tags(self) -> tuple[str, ...]:
        """Its labels."""
        ...

    @property
    def topics(self) -> tuple[str, ...]:
        """What it is subscribed to."""
        ...

    @property
    def profile_ids(self) -> tuple[str, ...]:
        """Who owns it."""
        ...


@dataclass(frozen=True, slots=True)
class Segment:
    """A conjunction of filters; an empty field does not filter. `tags` means all of them, `topics` and `profile_ids` any of them."""

    platform: tuple[Platform, ...] = ()
    app_version: tuple[VersionClause, ...] = ()
    os_version: tuple[VersionClause, ...] = ()
    locale: tuple[str, ...] = ()
    timezone: tuple[str, ...] = ()
    seen_within_days: int | None = None
    tags: tuple[str, ...] = ()
    tags_any: tuple[str, ...] = ()
    tags_none: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    profile_ids: tuple[str, ...] = ()


def is_match(segment: Segment, device: Matchable, now: datetime) -> bool:
    """Tell whether a device belongs to a segment at `now`."""
    return (
        (not segment.platform or device.platform in segment.platform)
        and is_in_range(device.app_version, segment.app_version)
        and is_in_range(device.os_version, segment.os_version)
        and (not segment.locale or _is_locale_match(device.locale, segment.locale))
        and (not segment.timezone or device.timezone in segment.timezone)
        and _is_seen(device.last_seen_at, segment.seen_within_days, now)
        and _has_tags(segment, device)
        and (not segment.topics or not set(segment.topics).isdisjoint(device.topics))
        and (not segment.profile_ids or not set(segment.profile_ids).isdisjoint(device.profile_ids))
    )


def _is_locale_match(locale: str | None, wanted: tuple[str, ...]) -> bool:
    """`sw` means every Swahili locale, `sw-TZ` only that one (RFC 4647 basic filtering)."""
    if not locale:
        return False
    tag = locale.lower().replace("_", "-")
    return any(tag == want or tag.startswith(f"{want}-") for want in (item.lower().replace("_", "-") for item in wanted))


def _is_seen(last_seen_at: datetime, within_days: int | None, now: datetime) -> bool:
    return within_days is None or now - last_seen_at <= timedelta(days=within_days)


def _has_tags(segment: Segment, device: Matchable) -> bool:
    tags = set(device.tags)
    return tags.issuperset(segment.tags) and (not segment.tags_any or not tags.isdisjoint(segment.tags_any)) and tags.isdisjoint(segment.tags_none)
