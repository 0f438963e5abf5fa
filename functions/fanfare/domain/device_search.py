"""Which devices a list shows.

| filter | found by |
|---|---|
| platform, active, device_id, and one of profile_id, topic, the first tag | an index of the store |
| the other array filter, more tags, app version, last seen | looking at each device that the index finds |
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from fanfare.domain.device import Device
from fanfare.domain.filters import DeviceFilter
from fanfare.domain.message import Platform
from fanfare.domain.versions import VersionClause, is_in_range


@dataclass(frozen=True, slots=True)
class DeviceSearch:
    """What a caller asks for, every part of it to be met; None or empty does not filter. `tags` means all of them.

    Days are counted back from each request, so that a device may come in or leave while a list is paged through.
    """

    profile_id: str | None = None
    username: str | None = None
    platform: Platform | None = None
    active: bool | None = None
    device_id: str | None = None
    app_version: tuple[VersionClause, ...] = ()
    seen_within_days: int | None = None
    not_seen_within_days: int | None = None
    tags: tuple[str, ...] = ()
    topic: str | None = None


def indexed_filter(search: DeviceSearch) -> DeviceFilter:
    """The part of a search that an index answers. Of the array filters it is the one that leaves the fewest devices: one query takes only one."""
    topic = search.topic if search.profile_id is None else None
    tag = search.tags[0] if search.tags and search.profile_id is None and topic is None else None
    return DeviceFilter(search.profile_id, search.platform, search.active, search.device_id, topic=topic, tag=tag)


def is_indexed(search: DeviceSearch) -> bool:
    """Tell whether an index answers all of a search, so that each device it finds is wanted."""
    arrays = len(search.tags) + sum(value is not None for value in (search.profile_id, search.topic))
    return arrays <= 1 and not search.app_version and search.seen_within_days is None and search.not_seen_within_days is None


def is_found(search: DeviceSearch, device: Device, now: datetime) -> bool:
    """Tell whether a device that the index found meets the rest of a search, at `now`."""
    age = now - device.last_seen_at
    return (
        is_in_range(device.app_version, search.app_version)
        and (search.seen_within_days is None or age <= timedelta(days=search.seen_within_days))
        and (search.not_seen_within_days is None or age > timedelta(days=search.not_seen_within_days))
        and set(device.tags).issuperset(search.tags)
        and (search.topic is None or search.topic in device.topics)
    )
