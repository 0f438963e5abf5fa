"""Which active devices many people have: a query for each thirty of them, several at once.

An answer takes a few milliseconds however little it holds, and ten thousand people are more than three hundred queries.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from google.cloud.firestore import CollectionReference, DocumentSnapshot, FieldFilter

from fanfare.adapters.firestore.client import run_query
from fanfare.adapters.firestore.profiles import ALTERNATIVES
from fanfare.domain.batches import split

AT_ONCE = 4


def find_addressed(devices: CollectionReference, hashes: Sequence[str], limit: int) -> Mapping[str, DocumentSnapshot[Any]]:
    """The documents of active devices that carry one of the hashes, by their ids; more than `limit` of them are not looked for."""

    def find(piece: Sequence[str]) -> list[DocumentSnapshot[Any]]:
        query = devices.where(filter=FieldFilter("addresses", "array_contains_any", list(piece)))
        return run_query(query.where(filter=FieldFilter("active", "==", value=True)).limit(limit))

    pieces = list(split(hashes, ALTERNATIVES))
    if len(pieces) <= 1:
        return _by_id(map(find, pieces))
    found: dict[str, DocumentSnapshot[Any]] = {}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for batch in split(pieces, AT_ONCE):
            found.update(_by_id(pool.map(find, batch)))
            if len(found) >= limit:
                break
    return found


def _by_id(answers: Iterable[list[DocumentSnapshot[Any]]]) -> dict[str, DocumentSnapshot[Any]]:
    return {snapshot.id: snapshot for snapshots in answers for snapshot in snapshots}
