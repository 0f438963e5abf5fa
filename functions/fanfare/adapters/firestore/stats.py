"""Rows of numbers and their documents: `tenants/{t}/stats/{day}-{hash}`, and the day's total, `tenants/{t}/stats_days/{day}`.

Numbers are only ever added. An increment is not repeatable by itself: it rides in a commit that also creates a document, or is guarded by what was
read.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import date
from typing import Any

from google.cloud.firestore import Client as Firestore
from google.cloud.firestore import DocumentReference, Increment, WriteBatch

from fanfare.adapters.firestore.paths import collection_of
from fanfare.domain.analytics import AMOUNTS, Amounts, Row, RowKey, day_rows, merge_rows
from fanfare.domain.tallying import ByPlatform

VERSION = 1
NO_PLATFORM = "none"
"""What is of no platform stands under this in a notification's `tallied`: a map's keys are words."""


def add_rows(batch: WriteBatch, firestore: Firestore, tenant: str, rows: Iterable[Row]) -> None:
    """Put into a commit what rows get by it, and what the totals of their days get."""
    merged = merge_rows(rows)
    add_details(batch, firestore, tenant, merged)
    add_totals(batch, firestore, tenant, day_rows(merged))


def add_details(batch: WriteBatch, firestore: Firestore, tenant: str, rows: Iterable[Row]) -> None:
    """Put into a commit what rows get by it; no two of them have the same key."""
    for row in rows:
        batch.set(row_reference(firestore, tenant, row.key), {**_key_to_document(row.key), **_increments(row.amounts)}, merge=True)


def add_totals(batch: WriteBatch, firestore: Firestore, tenant: str, rows: Iterable[Row]) -> None:
    """Put into a commit what the totals of days get by it; no two of them are of the same day."""
    for row in rows:
        batch.set(total_reference(firestore, tenant, row.key.day), {**_day_to_document(row.key.day), **_increments(row.amounts)}, merge=True)


def row_reference(firestore: Firestore, tenant: str, key: RowKey) -> DocumentReference:
    """Where a row stands: its name says the day, the rest of it is a hash, because a topic may have any length and letters."""
    rest = json.dumps(key[1:], ensure_ascii=True).encode()
    return collection_of(firestore, tenant, "stats").document(f"{key.day.isoformat()}-{hashlib.sha256(rest).hexdigest()[:24]}")


def total_reference(firestore: Firestore, tenant: str, day: date) -> DocumentReference:
    """Where a day's total stands."""
    return collection_of(firestore, tenant, "stats_days").document(day.isoformat())


def row_from_document(fields: dict[str, Any]) -> Row:
    """Map a row's document."""
    names = (fields["client_id"], fields["topic"], fields["platform"], fields["template"])
    return Row(RowKey(date.fromisoformat(fields["day"]), *names), amounts_from_document(fields))


def amounts_from_document(fields: dict[str, Any]) -> Amounts:
    """Map amounts; a number that is not there yet is none."""
    return Amounts(**{name: fields.get(name, 0) for name in AMOUNTS})


def amounts_to_document(amounts: Amounts) -> dict[str, int]:
    """Map what a notification has contributed; what is none is left out."""
    return {name: number for name in AMOUNTS if (number := getattr(amounts, name))}


def contributed_of(fields: dict[str, Any]) -> ByPlatform:
    """Map it back; nothing where a notification was never tallied."""
    found = fields.get("tallied", {}).items()
    return {None if name == NO_PLATFORM else name: amounts_from_document(numbers) for name, numbers in found}


def _key_to_document(key: RowKey) -> dict[str, Any]:
    return {
        "v": VERSION,
        "day": key.day.isoformat(),
        "client_id": key.client_id,
        "topic": key.topic,
        "platform": key.platform,
        "template": key.template,
    }


def _day_to_document(day: date) -> dict[str, Any]:
    return {"v": VERSION, "day": day.isoformat()}


def _increments(amounts: Amounts) -> dict[str, Any]:
    return {name: Increment(number) for name, number in amounts_to_document(amounts).items()}
