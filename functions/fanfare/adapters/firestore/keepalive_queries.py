"""Which devices are due, which have no time yet, and how many reply.

Each query reads by sixteen streams: times that grow would cap the collection at 500 writes a second, were they indexed alone.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from google.cloud.firestore import Client as Firestore
from google.cloud.firestore import CollectionReference, FieldFilter, Query

from fanfare.adapters.firestore.client import count_found
from fanfare.adapters.firestore.paths import collection_of
from fanfare.domain.buckets import BUCKETS
from fanfare.domain.keepalive import KeepaliveState
from fanfare.domain.pings import FleetCounts

COUNTED_AT_ONCE = 3


def due_devices(firestore: Firestore, tenant: str, now: datetime, limit: int) -> Query:
    """Active devices that are planned for `now` or earlier, the longest due first."""
    due = _active(firestore, tenant, KeepaliveState.PLANNED).where(filter=FieldFilter("keepalive.next", "<=", now))
    return due.order_by("keepalive.next").limit(limit)


def new_devices(firestore: Firestore, tenant: str, limit: int) -> Query:
    """Active devices for which no time is chosen yet."""
    return _all(firestore, tenant, KeepaliveState.NEW).limit(limit)


def count_fleet(firestore: Firestore, tenant: str, replied_since: datetime) -> FleetCounts:
    """Count the active devices by how they reply: three aggregation queries at once."""
    planned, stopped = (_all(firestore, tenant, state) for state in (KeepaliveState.PLANNED, KeepaliveState.STOPPED))
    replied = _active(firestore, tenant, KeepaliveState.PLANNED).where(filter=FieldFilter("keepalive.reply", ">=", replied_since))
    with ThreadPoolExecutor(COUNTED_AT_ONCE) as pool:
        pinged, replying, silenced = pool.map(count_found, [planned, replied.order_by("keepalive.reply"), stopped])
    return FleetCounts(replied=replying, silent=max(0, pinged - replying), stopped=silenced)


def _all(firestore: Firestore, tenant: str, state: KeepaliveState) -> Query:
    """Devices in a state, ordered by a time that they may not have: the index of those that are due serves this too."""
    return _active(firestore, tenant, state).order_by("keepalive.next")


def _active(firestore: Firestore, tenant: str, state: KeepaliveState) -> Query:
    collection: CollectionReference = collection_of(firestore, tenant, "devices")
    query: Query = collection.where(filter=FieldFilter("bucket", "in", list(range(BUCKETS))))
    query = query.where(filter=FieldFilter("active", "==", value=True))
    return query.where(filter=FieldFilter("keepalive.state", "==", state.value))
