"""Guarded commits that survive a lost answer.

The client sends a commit again when its answer was lost, so the second sending meets what the first one wrote. Every create and every guarded update
therefore carries our own write id, and a refusal is read back: our id in the document means that the commit had succeeded (architecture, sentence 5).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

from google.api_core.exceptions import AlreadyExists, Conflict, FailedPrecondition, NotFound
from google.cloud.firestore import Client, DocumentReference, DocumentSnapshot, WriteBatch

from fanfare.adapters.firestore.audit import add_audit
from fanfare.adapters.firestore.client import COMMIT_RETRY, COMMIT_SECONDS, fields_of, read, translated
from fanfare.adapters.firestore.event_documents import add_events
from fanfare.domain.audit import AuditEntry
from fanfare.domain.errors import Unavailable
from fanfare.domain.event import Event

WRITE_ID = "write_id"
REFUSALS = (AlreadyExists, Conflict, FailedPrecondition, NotFound)
TRIES = 8
"""So many races in a row does a writer lose before it gives up."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Decided(Generic[T]):
    """What a decision makes of a document: its state, its new fields (None leaves it), and what its tenant's audit log and listeners get with it."""

    state: T
    fields: dict[str, Any] | None = None
    tenant: str = ""
    audit: AuditEntry | None = None
    events: Sequence[Event] = ()


def commit_guarded(batch: WriteBatch, proof: DocumentReference, write_id: str) -> object | None:
    """Commit. Returns the new revision if stored, now or by an earlier sending; None if refused, because something else was written.

    `proof` is the first document of the batch and carries `write_id`; a commit is atomic, so one proves all.
    """
    with translated():
        try:
            return cast("object", batch.commit(retry=COMMIT_RETRY, timeout=COMMIT_SECONDS)[0].update_time)
        except REFUSALS:
            stored = read(proof)
    return stored.update_time if (fields_of(stored) or {}).get(WRITE_ID) == write_id else None


def update_guarded(
    client: Client,
    reference: DocumentReference,
    decide: Callable[[DocumentSnapshot[Any]], Decided[T]],
    new_write_id: Callable[[], str],
) -> T | None:
    """Read a document, decide its new fields and commit guarded by what was read; a lost race decides again.

    Returns the state that was decided, or None if there is no such document. Unavailable after eight lost races.
    """
    for _ in range(TRIES):
        snapshot = read(reference)
        if not snapshot.exists:
            return None
        decided = decide(snapshot)
        if decided.fields is None:
            return decided.state
        write_id = new_write_id()
        batch = client.batch()
        batch.update(reference, {**decided.fields, WRITE_ID: write_id}, client.write_option(last_update_time=snapshot.update_time))
        if decided.audit is not None:
            add_audit(batch, client, decided.tenant, decided.audit, write_id)
        add_events(batch, client, decided.events, write_id)
        if commit_guarded(batch, reference, write_id) is not None:
            return decided.state
    raise lost_races()


def lost_races(what: str = "this") -> Unavailable:
    """What a writer raises that has lost `TRIES` races."""
    return Unavailable(f"Too many writers change {what} at once.", retry_after_seconds=1)
