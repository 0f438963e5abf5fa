"""Receipts in Firestore: a document for each message and device that a report came of."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from google.cloud.firestore import Client as Firestore
from google.cloud.firestore import FieldFilter

from fanfare.adapters.firestore.client import count_found, read_all, read_fields
from fanfare.adapters.firestore.commits import commit_guarded
from fanfare.adapters.firestore.event_documents import add_events
from fanfare.adapters.firestore.paths import notification_reference
from fanfare.adapters.firestore.receipt_mapping import opened_at, receipt_from_document, receipt_reference, receipt_to_document, receipts_of
from fanfare.domain.event import Event
from fanfare.domain.receipts import ReceiptChange, ReceiptCounts, ReceiptKey, StoredReceipt
from fanfare.ports import Identifiers

MOST_KEPT = 10_000
"""So many messages an instance remembers the times of."""
_Place = tuple[str, str]


class FirestoreReceiptStore:
    """`tenants/{t}/notifications/{id}/receipts/{device}`."""

    def __init__(self, firestore: Firestore, identifiers: Identifiers, *, most_kept: int = MOST_KEPT) -> None:
        self._firestore = firestore
        self._identifiers = identifiers
        self._most_kept = most_kept
        self._lock = threading.Lock()
        self._opened: OrderedDict[_Place, datetime] = OrderedDict()

    def created_at(self, tenant: str, notification_ids: Collection[str]) -> dict[str, datetime]:
        """When messages were asked for; what this instance does not know is read in one call."""
        known = self._known(tenant, notification_ids)
        missing = [name for name in notification_ids if name not in known]
        references = [notification_reference(self._firestore, tenant, name) for name in missing]
        snapshots = read_fields(self._firestore, references, ("created_at", "validate_only"))
        found = {snapshot.id: at for snapshot in snapshots if (at := opened_at(snapshot)) is not None}
        self._keep(tenant, found)
        return known | found

    def get_many(self, tenant: str, keys: Collection[ReceiptKey]) -> dict[ReceiptKey, StoredReceipt]:
        """Find receipts, in one call."""
        snapshots = read_all(self._firestore, [receipt_reference(self._firestore, tenant, key) for key in keys])
        receipts = [receipt_from_document(snapshot)[1] for snapshot in snapshots if snapshot.exists]
        return {receipt.key: receipt for receipt in receipts}

    def save(self, tenant: str, changes: Sequence[ReceiptChange], events: Sequence[Event]) -> bool:
        """Store changes and the events that tell of them in one commit; False: one was stored by somebody else meanwhile, nothing was stored."""
        batch, write_id = self._firestore.batch(), self._identifiers.new_id()
        for change in changes:
            reference = receipt_reference(self._firestore, tenant, change.after.key)
            fields = receipt_to_document(tenant, change, write_id)
            if change.before is None:
                batch.create(reference, fields)
            else:
                batch.update(reference, fields, self._firestore.write_option(last_update_time=change.before.revision))
        add_events(batch, self._firestore, events, write_id)
        return commit_guarded(batch, receipt_reference(self._firestore, tenant, changes[0].after.key), write_id) is not None

    def count(self, tenant: str, notification_id: str) -> ReceiptCounts:
        """Count the receipts of one message: two aggregations, a read each for up to a thousand receipts."""
        receipts = receipts_of(self._firestore, tenant, notification_id)
        delivered = count_found(receipts.where(filter=FieldFilter("delivered", "==", value=True)))
        # Nobody has read what has not come.
        return ReceiptCounts(delivered, count_found(receipts.where(filter=FieldFilter("read", "==", value=True))) if delivered else 0)

    def _known(self, tenant: str, notification_ids: Iterable[str]) -> dict[str, datetime]:
        with self._lock:
            known = {name: self._opened[tenant, name] for name in notification_ids if (tenant, name) in self._opened}
            for name in known:
                self._opened.move_to_end((tenant, name))
        return known

    def _keep(self, tenant: str, found: dict[str, datetime]) -> None:
        with self._lock:
            self._opened.update({(tenant, name): at for name, at in found.items()})
            while len(self._opened) > self._most_kept:
                self._opened.popitem(last=False)
