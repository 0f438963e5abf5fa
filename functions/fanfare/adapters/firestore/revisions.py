"""The mark that a document was read with, where hashes of it stand elsewhere too."""

from __future__ import annotations

from dataclasses import dataclass

from google.cloud.firestore import Client as Firestore
from google.cloud.firestore import WriteOption


@dataclass(frozen=True, slots=True)
class IndexedRevision:
    """When the document was written, and under which index keys its locks are held: whoever moves them knows what there is to take away."""

    updated_at: object
    index_keys: tuple[str, ...]


def guard_of(firestore: Firestore, revision: object) -> WriteOption:
    """Let a write through only while the document is as it was when it was read with this revision."""
    option: WriteOption = firestore.write_option(last_update_time=revision.updated_at if isinstance(revision, IndexedRevision) else None)
    return option
