"""Delivering one chunk: claim, read, send, retire the dead, conclude."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from fanfare.domain.chunk import Busy, Chunk, ChunkKey, ChunkState, Finished
from fanfare.domain.classification import Verdict, classify
from fanfare.domain.delivery import Conclusion, conclude, decide_retirement
from fanfare.domain.encoding import EncodedMessage, encode
from fanfare.domain.message import Platform, TargetKind
from fanfare.domain.notification import Notification
from fanfare.domain.receipt import sign_receipt
from fanfare.domain.recipient import Recipient
from fanfare.domain.rendering import render
from fanfare.ports import Deps


def deliver_chunk(deps: Deps, key: ChunkKey) -> Busy | Finished:
    """Deliver a chunk unless another call does so; a repeat of the call is harmless."""
    claim = deps.notifications.claim(key, deps.identifiers.new_id(), deps.clock.now())
    if not isinstance(claim, Chunk):
        return claim
    work = deps.notifications.read_chunk(key)
    tenant = deps.tenants.get(key.tenant)
    if work is None or tenant is None:
        return _refuse(deps, claim)
    notification, recipients = work
    bodies = _encode_all(notification, recipients, deps.receipt_keys.receipt_key(tenant.id), deps.clock.now())
    verdicts = {device_id: classify(answer) for device_id, answer in deps.sender.send(tenant, bodies)}
    _retire(deps, notification, recipients, verdicts)
    _store(deps, conclude(notification, claim, recipients, verdicts, deps.clock.now()))
    return Finished()


def _encode_all(notification: Notification, recipients: Sequence[Recipient], key: bytes, now: datetime) -> Iterator[tuple[str, bytes]]:
    """Encode each distinct rendering once; a recipient costs a signature and a concatenation."""
    renderings: dict[tuple[Platform | None, TargetKind], EncodedMessage] = {}
    for row in recipients:
        kind = (row.platform, row.target.kind)
        encoded = renderings.get(kind)
        if encoded is None:
            encoded = renderings[kind] = _encode(notification, row, now)
        yield row.device_id, encoded.splice(row.target.value, sign_receipt(key, notification.id, row.device_id))


def _encode(notification: Notification, row: Recipient, now: datetime) -> EncodedMessage:
    rendering = render(
        notification.message,
        row.platform,
        notification_id=notification.id,
        ttl_seconds=notification.ttl_seconds,
        planned_at=notification.planned_at,
        now=now,
    )
    return encode(rendering, kind=row.target.kind, validate_only=notification.validate_only)


def _retire(deps: Deps, notification: Notification, recipients: Sequence[Recipient], verdicts: Mapping[str, Verdict]) -> None:
    """Retire dead targets before the chunk is concluded: a crash between the two repeats a retirement, which changes nothing."""
    for row in recipients:
        verdict = verdicts.get(row.device_id)
        if verdict is None or verdict.retire is None:
            continue
        decide = partial(decide_retirement, sent_to=row, verdict=verdict, notification_id=notification.id, now=deps.clock.now())
        deps.devices.update(notification.tenant, row.device_id, decide)


def _refuse(deps: Deps, claim: Chunk) -> Finished:
    """End a chunk that belongs to no notification with a stored reason: its task would otherwise come back for ever."""
    deps.notifications.cancel_chunk(replace(claim, state=ChunkState.CANCELLED, reason="unknown_notification", next_check_at=None))
    deps.log.warning("unknown_notification", notification=claim.key.notification_id, chunk=claim.key.number)
    return Finished()


def _store(deps: Deps, conclusion: Conclusion) -> None:
    chunk, counts = conclusion.chunk, conclusion.chunk.counts
    stored = deps.notifications.conclude(chunk, conclusion.notification)
    deps.log.info(
        "chunk_delivered" if stored else "claim_lost",
        notification=chunk.key.notification_id,
        chunk=chunk.key.number,
        attempt=chunk.attempt,
        sent=counts.sent,
        failed=counts.failed,
        unsent=counts.unsent,
    )
