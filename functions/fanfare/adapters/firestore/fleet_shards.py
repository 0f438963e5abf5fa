"""The fleet's numbers in Firestore: `meta/metrics-{0..15}`, each the sums of the tenants whose hash it has.

An increment is not repeatable by itself: it rides in a commit that also creates a document, or is guarded by what was read.
"""

from __future__ import annotations

from google.cloud.firestore import Client as Firestore
from google.cloud.firestore import DocumentReference, Increment, WriteBatch

from fanfare.domain.buckets import BUCKETS, bucket_of
from fanfare.domain.metrics import Counters

VERSION = 1


def add_counters(batch: WriteBatch, firestore: Firestore, tenant: str, counters: Counters) -> None:
    """Put into a commit what a tenant's numbers of the fleet get by it."""
    if counters:
        fields = {"v": VERSION, "counters": {name: Increment(number) for name, number in counters.items()}}
        batch.set(_shard(firestore, bucket_of(tenant)), fields, merge=True)


def shards(firestore: Firestore) -> list[DocumentReference]:
    """All of them."""
    return [_shard(firestore, number) for number in range(BUCKETS)]


def _shard(firestore: Firestore, number: int) -> DocumentReference:
    reference: DocumentReference = firestore.collection("meta").document(f"metrics-{number}")
    return reference
