"""What a profile's own app may see of a notification in Firestore: its state, and the counts of this profile's devices alone.

The rules of Firestore let a reader see a whole document or nothing of it, so this is a document for each profile. It is written while apps listen
(`listening.py`), and for what is sent to few: somebody who is one of thousands learns nothing of a broadcast.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from fanfare.domain.notification import Counts, Notification, NotificationStatus
from fanfare.domain.outcome import Result, count

MOST_VIEWERS = 100
"""A notification to the devices of more profiles than this has no public documents."""


class PublicView(NamedTuple):
    """What one profile's app sees; the counts are of the profile's devices. Receipts are not among them: they would be a write each."""

    profile_id: str
    status: NotificationStatus
    counts: Counts
    created_at: datetime


def viewers_of(owners: Mapping[str, Sequence[str]], addressed: Collection[str] | None) -> dict[str, tuple[str, ...]]:
    """The profiles that may see a notification, each with its devices, from the owners of each device that it goes to; none if they are too many.

    Of a device that several profiles share it is for those that were `addressed`; for all of them where the device itself was (None).
    """
    viewers: dict[str, tuple[str, ...]] = {}
    for device_id, profile_ids in owners.items():
        for profile_id in profile_ids:
            if addressed is None or len(profile_ids) == 1 or profile_id in addressed:
                viewers[profile_id] = (*viewers.get(profile_id, ()), device_id)
    return viewers if len(viewers) <= MOST_VIEWERS else {}


def views_of(notification: Notification, results: Mapping[str, Result]) -> list[PublicView]:
    """What each viewer sees, from what became of each device so far."""
    return [
        PublicView(profile_id, notification.status, _counts(devices, results), notification.created_at)
        for profile_id, devices in notification.viewers.items()
    ]


def _counts(devices: Sequence[str], results: Mapping[str, Result]) -> Counts:
    return count((results[device_id] for device_id in devices if device_id in results), len(devices))
