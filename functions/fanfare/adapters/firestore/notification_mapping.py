"""Notifications and chunks and their documents."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from typing import Any

from google.cloud.firestore import DocumentSnapshot

from fanfare.adapters.firestore.client import fields_of
from fanfare.adapters.firestore.progress_mapping import sums_from_document, sums_to_document
from fanfare.adapters.firestore.receipt_mapping import received_counts
from fanfare.domain.buckets import bucket_of
from fanfare.domain.call import ActorKind
from fanfare.domain.chunk import Chunk, ChunkKey, ChunkState, Stop
from fanfare.domain.dead_letter import DeadLetter, DeadLetterKind
from fanfare.domain.layout import Layout, Source
from fanfare.domain.local_time import LocalTime
from fanfare.domain.notification import FINAL_STATUSES, Counts, Judgement, Notification, NotificationStatus
from fanfare.domain.outcome import Result
from fanfare.domain.send_request import message_of
from fanfare.domain.wording_format import wording_from_json, wording_to_json

VERSION = 1


def notification_to_document(notification: Notification) -> dict[str, Any]:
    """Map a new notification.

    The request is JSON text: a map would refuse arrays in arrays and integers over 64 bits, which FCM's own blocks may hold.
    """
    return {
        "v": VERSION,
        "client_id": notification.client_id,
        "request": json.dumps(notification.request, ensure_ascii=False, separators=(",", ":")),
        "request_hash": notification.request_hash,
        "request_id": notification.request_id,
        "ttl_seconds": notification.ttl_seconds,
        "chunk_count": notification.chunk_count,
        "validate_only": notification.validate_only,
        "template": notification.wording.template if notification.wording else None,
        "wording": json.dumps(wording_to_json(notification.wording), ensure_ascii=False) if notification.wording else None,
        "caller": notification.caller,
        "type": notification.type,
        "usernames": list(notification.usernames),
        "profile_ids": list(notification.profile_ids),
        "topic": notification.topic,
        "schedule_id": notification.schedule_id,
        "actor_kind": notification.actor_kind.value,
        "address": notification.address,
        "bucket": bucket_of(notification.id),
        "paused": notification.paused,
        "layout": layout_to_document(notification.layout),
        "local_time": _local_time_to_document(notification.local_time),
        "refused": dict(notification.refused),
        # Their sums by platform; whoever sums them adds to this alone (receipt_mapping.py).
        "receipts": {},
        "judgement": judgement_to_document(notification.judgement),
        "created_at": notification.created_at,
        "planned_at": notification.planned_at,
        "viewers": {profile_id: list(devices) for profile_id, devices in notification.viewers.items()},
        **_progress(notification),
    }


def progress_to_document(notification: Notification) -> dict[str, Any]:
    """Map what a delivery changes of a notification. Until everything is over its `paused` is left as it is: somebody may edit it by hand."""
    fields = _progress(notification)
    return {**fields, "paused": False} if notification.status in FINAL_STATUSES else fields


def steering_to_document(notification: Notification) -> dict[str, Any]:
    """Map what cancelling, pausing and resuming change of a notification."""
    return {**_progress(notification), "paused": notification.paused}


def update_to_document(notification: Notification) -> dict[str, Any]:
    """Map all that may change of a notification of many chunks but its sums."""
    return {**steering_to_document(notification), "refused": dict(notification.refused)}


def _progress(notification: Notification) -> dict[str, Any]:
    return {
        "status": notification.status.value,
        "status_reason": notification.status_reason,
        "counts": asdict(notification.counts),
        "errors": dict(notification.errors),
        "platforms": {name: dict(numbers) for name, numbers in notification.platforms.items()},
        "retried": notification.retried,
        # What it contributes to the days' numbers may be another by this; a dry run contributes nothing.
        "untallied": not notification.validate_only,
        "started_at": notification.started_at,
        "completed_at": notification.completed_at,
        "next_check_at": notification.next_check_at,
    }


def notification_of(tenant: str, snapshot: DocumentSnapshot[Any]) -> Notification | None:
    """Map what was read to a notification; None if there is no such document."""
    fields = fields_of(snapshot)
    return notification_from_document(tenant, snapshot.id, fields, snapshot.update_time) if fields else None


def notification_from_document(tenant: str, notification_id: str, fields: dict[str, Any], revision: object = None) -> Notification:
    """Map a document, read at `revision`, to a notification."""
    request = json.loads(fields["request"])
    return Notification(
        id=notification_id,
        tenant=tenant,
        client_id=fields["client_id"],
        message=message_of(request),
        ttl_seconds=fields["ttl_seconds"],
        request=request,
        request_hash=fields["request_hash"],
        request_id=fields["request_id"],
        status=NotificationStatus(fields["status"]),
        counts=Counts(**{**fields["counts"], **received_counts(fields)}),
        created_at=fields["created_at"],
        planned_at=fields["planned_at"],
        chunk_count=fields["chunk_count"],
        validate_only=fields["validate_only"],
        status_reason=fields["status_reason"],
        caller=fields["caller"],
        type=fields["type"],
        usernames=tuple(fields["usernames"]),
        started_at=fields["started_at"],
        completed_at=fields["completed_at"],
        next_check_at=fields["next_check_at"],
        errors=fields["errors"],
        platforms=fields.get("platforms", {}),
        retried=fields.get("retried", 0),
        profile_ids=tuple(fields.get("profile_ids", ())),
        topic=fields.get("topic"),
        schedule_id=fields.get("schedule_id"),
        actor_kind=ActorKind(fields.get("actor_kind", ActorKind.CLIENT)),
        address=fields.get("address"),
        paused=fields.get("paused") is True,
        layout=_layout(fields.get("layout")),
        local_time=_local_time(fields.get("local_time")),
        refused=fields.get("refused", {}),
        viewers={profile_id: tuple(devices) for profile_id, devices in fields.get("viewers", {}).items()},
        revision=revision,
        judgement=Judgement(**judged) if (judged := fields.get("judgement")) else None,
        wording=wording_from_json(json.loads(fields["wording"])) if fields.get("wording") else None,
    )


def layout_to_document(layout: Layout | None) -> dict[str, Any] | None:
    """Map how a notification of many chunks is laid out."""
    if layout is None:
        return None
    fields: dict[str, Any] = {"source": layout.source.value, "generation": layout.generation, "stages": list(layout.stages)}
    # Each call of `send` reads it: what few have is not written for all.
    return fields | ({"dues": list(layout.dues), "starts": list(layout.starts)} if layout.dues else {})


def judgement_to_document(judgement: Judgement | None) -> dict[str, Any] | None:
    """Map what a guard found."""
    return asdict(judgement) if judgement else None


def _layout(fields: dict[str, Any] | None) -> Layout | None:
    if not fields:
        return None
    dues, starts = tuple(fields.get("dues", ())), tuple(fields.get("starts", ()))
    return Layout(Source(fields["source"]), fields["generation"], tuple(fields["stages"]), dues, starts)


def _local_time_to_document(local: LocalTime | None) -> dict[str, Any] | None:
    """Map a time on nobody's clock: as text, because a database's times are instants."""
    return {"at": local.at.isoformat(), "zone": local.zone, "grace_seconds": local.grace_seconds} if local else None


def _local_time(fields: dict[str, Any] | None) -> LocalTime | None:
    return LocalTime(datetime.fromisoformat(fields["at"]), fields["zone"], fields["grace_seconds"]) if fields else None


def chunk_to_document(chunk: Chunk, results: bytes | None) -> dict[str, Any]:
    """Map a chunk; `results` are sealed already."""
    return {
        "v": VERSION,
        "tenant": chunk.key.tenant,
        "number": chunk.key.number,
        "state": chunk.state.value,
        "owner": chunk.owner,
        "lease_until": chunk.lease_until,
        "attempt": chunk.attempt,
        "next_check_at": chunk.next_check_at,
        "due_at": chunk.due_at,
        "planned_at": chunk.planned_at,
        "stop": chunk.stop.value if chunk.stop else None,
        "reason": chunk.reason,
        "counts": asdict(chunk.counts),
        "errors": [dict(error) for error in chunk.errors],
        "started_at": chunk.started_at,
        "completed_at": chunk.completed_at,
        "counted": sums_to_document(chunk.counted) if chunk.counted else None,
        "unannounced": list(chunk.unannounced),
        "results": results,
    }


def chunk_from_document(key: ChunkKey, fields: dict[str, Any], results: dict[str, Result], revision: object) -> Chunk:
    """Map a document, read at `revision`, and its opened results to a chunk."""
    return Chunk(
        key=key,
        state=ChunkState(fields["state"]),
        owner=fields["owner"],
        lease_until=fields["lease_until"],
        started_at=fields["started_at"],
        attempt=fields["attempt"],
        next_check_at=fields["next_check_at"],
        due_at=fields["due_at"],
        planned_at=fields["planned_at"],
        stop=Stop(fields["stop"]) if fields.get("stop") else None,
        reason=fields["reason"],
        counts=Counts(**fields["counts"]),
        completed_at=fields["completed_at"],
        errors=tuple(fields["errors"]),
        results=results,
        counted=sums_from_document(fields["counted"]) if fields.get("counted") else None,
        unannounced=tuple(fields.get("unannounced") or ()),
        revision=revision,
    )


def dead_letter_to_document(letter: DeadLetter) -> dict[str, Any]:
    """Map a dead letter."""
    return {
        "v": VERSION,
        "bucket": bucket_of(letter.id),
        "kind": letter.kind.value,
        "notification_id": letter.key.notification_id,
        "chunk": letter.key.number,
        "codes": dict(letter.codes),
        "reason": letter.reason,
        "created_at": letter.created_at,
        "replayed_at": letter.replayed_at,
    }


def dead_letter_from_document(tenant: str, dead_letter_id: str, fields: dict[str, Any]) -> DeadLetter:
    """Map a document to a dead letter."""
    return DeadLetter(
        id=dead_letter_id,
        key=ChunkKey(tenant, fields["notification_id"], fields["chunk"]),
        codes=fields["codes"],
        reason=fields["reason"],
        created_at=fields["created_at"],
        replayed_at=fields["replayed_at"],
        kind=DeadLetterKind(fields.get("kind", DeadLetterKind.NOTIFICATION)),
    )
