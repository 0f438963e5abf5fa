"""The lanes of tenants' broadcasts in Firestore: one small document each, written once for a thousand chunks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from google.cloud.firestore import Client as Firestore
from google.cloud.firestore import DocumentReference

from fanfare.adapters.firestore.client import fields_of, read
from fanfare.adapters.firestore.commits import TRIES, WRITE_ID, commit_guarded, lost_races
from fanfare.adapters.firestore.paths import collection_of
from fanfare.domain.pacing import Course, Pacing, Share, Tail
from fanfare.ports import Identifiers

VERSION = 1
T = TypeVar("T")


class FirestorePacingStore:
    """`tenants/{t}/pacing/{lane}`."""

    def __init__(self, firestore: Firestore, identifiers: Identifiers) -> None:
        self._firestore = firestore
        self._identifiers = identifiers

    def get(self, tenant: str, lane: str) -> Pacing:
        """The lane's state; that of an idle one if nothing was ever sent through it."""
        return from_document(fields_of(read(self._reference(tenant, lane))))

    def reserve(self, tenant: str, lane: str, decide: Callable[[Pacing], tuple[T, Pacing | None]]) -> T:
        """Apply a pure decision in one guarded write and return what it decided besides; Unavailable after eight lost races."""
        reference = self._reference(tenant, lane)
        for _ in range(TRIES):
            snapshot = read(reference)
            decided, pacing = decide(from_document(fields_of(snapshot)))
            if pacing is None:
                return decided
            write_id = self._identifiers.new_id()
            fields = {**to_document(pacing), WRITE_ID: write_id}
            batch = self._firestore.batch()
            if snapshot.exists:
                batch.update(reference, fields, self._firestore.write_option(last_update_time=snapshot.update_time))
            else:
                batch.create(reference, fields)
            if commit_guarded(batch, reference, write_id) is not None:
                return decided
        raise lost_races("the pace of this tenant's broadcasts")

    def _reference(self, tenant: str, lane: str) -> DocumentReference:
        return collection_of(self._firestore, tenant, "pacing").document(lane)


def to_document(pacing: Pacing) -> dict[str, Any]:
    """Map a lane's state in plain words: an operator may look here why a broadcast waits."""
    return {
        "v": VERSION,
        "next_free_at": pacing.course.next_at,
        "warm_seconds": pacing.course.warm_seconds,
        "limit_per_minute": pacing.limit_per_minute,
        "limited_until": pacing.limited_until,
        "shares": {share.flow: _share_document(share) for share in pacing.shares},
        "tail": {"notification": pacing.tail.flow, **_course_document(pacing.tail.before)} if pacing.tail else None,
    }


def from_document(fields: dict[str, Any] | None) -> Pacing:
    """Map a document; none is an idle lane."""
    if fields is None:
        return Pacing()
    shares = (Share(flow, share["per_minute"], _course(share)) for flow, share in sorted(fields["shares"].items()))
    # Documents of the version before this one have no tail.
    tail = Tail(fields["tail"]["notification"], _course(fields["tail"])) if fields.get("tail") else None
    return Pacing(_course(fields), tuple(shares), fields["limit_per_minute"], fields["limited_until"], tail)


def _share_document(share: Share) -> dict[str, Any]:
    return {"per_minute": share.per_minute, **_course_document(share.course)}


def _course_document(course: Course) -> dict[str, Any]:
    return {"next_free_at": course.next_at, "warm_seconds": course.warm_seconds}


def _course(fields: dict[str, Any]) -> Course:
    return Course(fields["next_free_at"], fields["warm_seconds"])
