"""What of a hand-edited document can't be used, noted in the document itself: whoever broke it looks there and nowhere else."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from google.cloud.firestore import Client as Firestore
from google.cloud.firestore import DocumentSnapshot

from fanfare.adapters.firestore.client import COMMIT_RETRY, COMMIT_SECONDS, fields_of, translated
from fanfare.domain.errors import Unavailable


def note_defect(firestore: Firestore, snapshot: DocumentSnapshot[Any], field: str, found: object) -> None:
    """Write what was found (empty: all can be used again) into a document as it was read, unless that stands there; a reader never fails by it."""
    stored = (fields_of(snapshot) or {}).get(field)
    if stored == found or not (stored or found):
        return
    guard = firestore.write_option(last_update_time=snapshot.update_time)
    with suppress(Unavailable), translated():
        snapshot.reference.update({field: found}, guard, retry=COMMIT_RETRY, timeout=COMMIT_SECONDS)
