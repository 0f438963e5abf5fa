"""Taking an erased person's username out of the notifications that were addressed to it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from google.cloud.firestore import ArrayRemove, DocumentSnapshot, FieldFilter
from google.cloud.firestore import Client as Firestore

from fanfare.adapters.firestore.client import COMMIT_RETRY, COMMIT_SECONDS, run_query, translated
from fanfare.adapters.firestore.paths import collection_of
from fanfare.domain.forgetting import without_username

LARGEST_COMMIT_BYTES = 2 * 1024 * 1024
"""Of requests in one commit: with names and paths it stays below the 3 MiB that a commit may have."""


def forget_username(firestore: Firestore, tenant: str, username: str, limit: int) -> int:
    """Remove a username from at most `limit` notifications that are found by it; returns from how many, 0 when it is in none any more.

    Nobody else writes these two fields, and to do this twice is to do it once, so nothing guards it.
    """
    query = collection_of(firestore, tenant, "notifications").where(filter=FieldFilter("usernames", "array_contains", username))
    found = run_query(query.limit(limit).select(["request"]))
    for piece in _pieces((snapshot, _without(snapshot, username)) for snapshot in found):
        batch = firestore.batch()
        for snapshot, request in piece:
            batch.update(snapshot.reference, {"usernames": ArrayRemove([username]), "request": request})
        with translated():
            batch.commit(retry=COMMIT_RETRY, timeout=COMMIT_SECONDS)
    return len(found)


_Change = tuple[DocumentSnapshot[Any], str]


def _pieces(changes: Iterable[_Change]) -> Iterator[list[_Change]]:
    piece: list[_Change] = []
    size = 0
    for snapshot, request in changes:
        length = len(request.encode("utf-8"))
        if piece and size + length > LARGEST_COMMIT_BYTES:
            yield piece
            piece, size = [], 0
        piece.append((snapshot, request))
        size += length
    if piece:
        yield piece


def _without(snapshot: DocumentSnapshot[Any], username: str) -> str:
    request = json.loads((snapshot.to_dict() or {})["request"])
    return json.dumps(without_username(request, username), ensure_ascii=False, separators=(",", ":"))
