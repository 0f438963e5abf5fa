"""Deliveries of events to webhooks in Firestore: claims, ends and replays. New ones are made by the commit of their event (`event_documents.py`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from google.cloud.firestore import Client as Firestore
from google.cloud.firestore import DocumentSnapshot, FieldFilter, Query, WriteBatch

from fanfare.adapters.cipher import FieldCipher
from fanfare.adapters.firestore.audit import add_audit
from fanfare.adapters.firestore.client import fields_of, read_all, run_query
from fanfare.adapters.firestore.commits import TRIES, WRITE_ID, commit_guarded, lost_races
from fanfare.adapters.firestore.delivery_mapping import delivery_from_document, delivery_reference, delivery_to_document, key_of_delivery
from fanfare.adapters.firestore.event_documents import event_from_document, event_reference
from fanfare.adapters.firestore.letter_mapping import webhook_letter_to_document
from fanfare.adapters.firestore.pages import read_newest
from fanfare.adapters.firestore.paths import dead_letter_reference
from fanfare.adapters.firestore.removal import remove_documents
from fanfare.adapters.firestore.replacing import ReplacingBatch
from fanfare.adapters.firestore.webhook_mapping import webhook_from_document, webhook_reference
from fanfare.domain.audit import AuditEntry
from fanfare.domain.batches import split
from fanfare.domain.buckets import BUCKETS
from fanfare.domain.chunk import Busy, Finished
from fanfare.domain.dead_letter import WebhookLetter, webhook_letter_id, webhook_letter_of
from fanfare.domain.event import StoredEvent
from fanfare.domain.listing import Page
from fanfare.domain.webhook import Webhook
from fanfare.domain.webhook_delivery import DeliveryKey, DeliveryState, WebhookDelivery, decide_delivery_claim, put_off_check, replayed_delivery
from fanfare.ports import Identifiers
from fanfare.ports.webhooks import ClaimedDelivery

_CLAIM_TRIES = 4
_EVERY_BUCKET = FieldFilter("bucket", "in", list(range(BUCKETS)))
REPLAYED_PER_COMMIT = 100
PUT_OFF_PER_COMMIT = 50


class FirestoreWebhookDeliveryStore:
    """`tenants/{t}/webhooks/{id}/deliveries/{event}`."""

    def __init__(self, firestore: Firestore, identifiers: Identifiers, cipher: FieldCipher) -> None:
        self._firestore = firestore
        self._identifiers = identifiers
        self._cipher = cipher

    def claim(self, key: DeliveryKey, owner: str, now: datetime) -> ClaimedDelivery | Busy | Finished:
        """Take a delivery that is due, exclusively until its lease ends; one that can't be attempted any more ends here."""
        for _ in range(_CLAIM_TRIES):
            stored, webhook, event = self._read(key)
            decided = decide_delivery_claim(stored, webhook, event, owner, now) if stored is not None else Finished()
            if not isinstance(decided, WebhookDelivery):
                return decided
            revision = self._commit(decided, webhook_letter_of(decided, now), owner)
            if revision is not None and webhook is not None and event is not None and decided.state is DeliveryState.SENDING:
                return ClaimedDelivery(replace(decided, revision=revision), webhook, event)
            if revision is not None:
                return Finished()
        return Busy(retry_after_seconds=5)

    def conclude(self, delivery: WebhookDelivery, dead_letter: WebhookLetter | None = None) -> bool:
        """Store what an attempt came to, guarded by its claim; False if that was lost."""
        return self._commit(delivery, dead_letter, self._identifiers.new_id()) is not None

    def find_overdue(self, now: datetime, limit: int) -> Sequence[DeliveryKey]:
        """Find, in all tenants, deliveries whose next check has passed, the longest overdue first."""
        query = self._firestore.collection_group("deliveries").where(filter=_EVERY_BUCKET).where(filter=FieldFilter("next_check_at", "<=", now))
        return [key_of_delivery(found.reference) for found in run_query(query.order_by("next_check_at").limit(limit).select([]))]

    def put_off(self, keys: Sequence[DeliveryKey], now: datetime) -> None:
        """Note that the sweep has nudged these; where one of a page has gone on meanwhile, the page is left to the next sweep."""
        for page in split(keys, PUT_OFF_PER_COMMIT):
            waiting = [later for stored in self.get_many(page) if stored is not None and (later := put_off_check(stored, now)) is not None]
            if waiting:
                batch, write_id = ReplacingBatch(self._firestore), self._identifiers.new_id()
                references = [self._update(batch, later, later.revision, write_id) for later in waiting]
                commit_guarded(batch, references[0], write_id)

    def get_many(self, keys: Sequence[DeliveryKey]) -> Sequence[WebhookDelivery | None]:
        """Find deliveries in one call, in the order asked for."""
        snapshots = read_all(self._firestore, [delivery_reference(self._firestore, key) for key in keys])
        return [_delivery(key, snapshot) for key, snapshot in zip(keys, snapshots, strict=True)]

    def list(self, tenant: str, webhook_id: str, limit: int, after: str | None, *, state: DeliveryState | None = None) -> Page[WebhookDelivery]:
        """List a webhook's deliveries, the newest first."""

        def convert(snapshot: DocumentSnapshot[Any]) -> WebhookDelivery:
            return delivery_from_document(DeliveryKey(tenant, webhook_id, snapshot.id), snapshot.to_dict() or {}, snapshot.update_time)

        deliveries = webhook_reference(self._firestore, tenant, webhook_id).collection("deliveries")
        wanted = [("state", "==", state.value if state is not None else None)]
        return read_newest(deliveries, "created_at", wanted, limit=limit, after=after, convert=convert)

    def replay(
        self, webhook: Webhook, events: Sequence[StoredEvent], now: datetime, request_id: str, audit: AuditEntry | None = None
    ) -> Sequence[DeliveryKey]:
        """Make deliveries of these events due again at `now`; one under way is left. Returns which were; Unavailable after eight lost races."""
        pages = split(events, REPLAYED_PER_COMMIT)
        return [key for page in pages for key in self._replay_page(webhook, page, now, request_id, audit)]

    def remove_deliveries(self, tenant: str, before: datetime, limit: int) -> int:
        """Remove at most `limit` deliveries that were created at `before` or earlier, whether their webhooks are still there or not."""
        query = self._firestore.collection_group("deliveries").where(filter=FieldFilter("tenant", "==", tenant)).where(filter=_EVERY_BUCKET)
        query = query.where(filter=FieldFilter("created_at", "<=", before)).order_by("created_at", direction=Query.DESCENDING)
        return remove_documents(self._firestore, [found.reference for found in run_query(query.limit(limit).select([]))])

    def _read(self, key: DeliveryKey) -> tuple[WebhookDelivery | None, Webhook | None, StoredEvent | None]:
        places = (
            delivery_reference(self._firestore, key),
            webhook_reference(self._firestore, key.tenant, key.webhook_id),
            event_reference(self._firestore, key.tenant, key.event_id),
        )
        delivery, webhook, event = read_all(self._firestore, places)
        about, told = fields_of(webhook), fields_of(event)
        return (
            _delivery(key, delivery),
            webhook_from_document(key.tenant, key.webhook_id, about, self._cipher, webhook.update_time) if about else None,
            event_from_document(key.tenant, key.event_id, told) if told else None,
        )

    def _commit(self, delivery: WebhookDelivery, letter: WebhookLetter | None, write_id: str) -> object | None:
        batch = ReplacingBatch(self._firestore)
        reference = self._update(batch, delivery, delivery.revision, write_id)
        if letter is not None:
            batch.set(dead_letter_reference(self._firestore, delivery.key.tenant, letter.id), webhook_letter_to_document(letter))
        return commit_guarded(batch, reference, write_id)

    def _update(self, batch: WriteBatch, delivery: WebhookDelivery, revision: object, write_id: str) -> Any:  # noqa: ANN401 - a reference
        reference = delivery_reference(self._firestore, delivery.key)
        fields = {**delivery_to_document(delivery), WRITE_ID: write_id}
        if revision is None:
            batch.create(reference, fields)
        else:
            batch.update(reference, fields, self._firestore.write_option(last_update_time=revision))
        return reference

    def _replay_page(
        self, webhook: Webhook, events: Sequence[StoredEvent], now: datetime, request_id: str, audit: AuditEntry | None
    ) -> Sequence[DeliveryKey]:
        keys = [DeliveryKey(webhook.tenant, webhook.id, event.id) for event in events]
        letters = [dead_letter_reference(self._firestore, webhook.tenant, webhook_letter_id(key)) for key in keys]
        for _ in range(TRIES):
            snapshots = read_all(self._firestore, [*(delivery_reference(self._firestore, key) for key in keys), *letters])
            stored = [_delivery(key, snapshot) for key, snapshot in zip(keys, snapshots[: len(keys)], strict=True)]
            found = zip(events, stored, snapshots[len(keys) :], strict=True)
            replayed = [(again, old, letter) for event, old, letter in found if (again := replayed_delivery(old, event, webhook.id, now, request_id))]
            if not replayed or self._commit_replayed(replayed, now, audit):
                return [again.key for again, _, _ in replayed]
        raise lost_races("these deliveries")

    def _commit_replayed(
        self, replayed: Sequence[tuple[WebhookDelivery, WebhookDelivery | None, DocumentSnapshot[Any]]], now: datetime, audit: AuditEntry | None
    ) -> bool:
        batch, write_id = self._firestore.batch(), self._identifiers.new_id()
        references = [self._update(batch, again, old.revision if old is not None else None, write_id) for again, old, _ in replayed]
        for _, _, letter in replayed:
            if letter.exists and letter.get("replayed_at") is None:
                batch.update(letter.reference, {"replayed_at": now}, self._firestore.write_option(last_update_time=letter.update_time))
        if audit is not None:
            add_audit(batch, self._firestore, replayed[0][0].key.tenant, audit, write_id)
        return commit_guarded(batch, references[0], write_id) is not None


def _delivery(key: DeliveryKey, snapshot: DocumentSnapshot[Any]) -> WebhookDelivery | None:
    fields = fields_of(snapshot)
    return delivery_from_document(key, fields, snapshot.update_time) if fields else None
