"""Accepting a request to send: check, resolve, store in one commit, nudge."""

from __future__ import annotations

from dataclasses import dataclass

from fanfare.domain.chunk import ChunkKey
from fanfare.domain.client import Client
from fanfare.domain.errors import IdempotencyMismatch, InvalidRequest
from fanfare.domain.identifiers import hash_identifier
from fanfare.domain.lifetime import ttl_seconds_for
from fanfare.domain.message import Platform
from fanfare.domain.message_rules import check_message
from fanfare.domain.notification import FIRST_CHECK, Counts, Notification, NotificationStatus, StatusReason
from fanfare.domain.packing import pack_recipients
from fanfare.domain.payload import check_payload
from fanfare.domain.recipient import Recipient
from fanfare.domain.send_request import SendRequest
from fanfare.ports import Deps
from fanfare.services.resolve_recipients import resolve_recipients

LARGEST_RECIPIENTS_BYTES = 700 * 1024
ROUTE = "POST /api/v1/notify"


@dataclass(frozen=True, slots=True)
class Call:
    """How a request came in."""

    client: Client
    request_id: str
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """The stored notification; `replayed` if an earlier request with the same key had made it."""

    notification: Notification
    replayed: bool = False


def accept_notification(deps: Deps, call: Call, request: SendRequest) -> Accepted:
    """Accept a request to send. Nothing is stored unless all of it is good; once it is stored, it is sent even if the nudge is lost."""
    check_message(request.message)
    check_payload(request.message, _platforms(request))
    recipients = resolve_recipients(deps, call.client.tenant, request)
    _check_size(recipients)
    notification = _notification(deps, call, request, len(recipients))
    existing = deps.notifications.accept(notification, recipients)
    if existing is not None:
        return _replay(existing, request)
    if recipients:
        deps.tasks.enqueue_send(ChunkKey(notification.tenant, notification.id, 0), call.request_id)
    return Accepted(notification)


def _platforms(request: SendRequest) -> tuple[Platform | None, ...]:
    """The forms that a message may take: decided by the request alone, so that the same request is good or bad for everybody."""
    if request.to.fanned_out is not None:
        return (None,)
    if request.to.targets:
        return tuple({raw.platform for raw in request.to.targets})
    return request.only.platform or tuple(Platform)


def _check_size(recipients: tuple[Recipient, ...]) -> None:
    if len(pack_recipients(recipients)) > LARGEST_RECIPIENTS_BYTES:
        raise InvalidRequest.at("to", "reaches devices whose targets are together too long; send to fewer of them at once")


def _replay(existing: Notification, request: SendRequest) -> Accepted:
    if existing.request_hash != request.request_hash:
        raise IdempotencyMismatch("This Idempotency-Key was used with another request body.")
    return Accepted(existing, replayed=True)


def _notification(deps: Deps, call: Call, request: SendRequest, targeted: int) -> Notification:
    now = deps.clock.now()
    reached = targeted > 0
    return Notification(
        id=_notification_id(deps, call),
        tenant=call.client.tenant,
        client_id=call.client.id,
        message=request.message,
        ttl_seconds=ttl_seconds_for(request.message),
        request=request.raw,
        request_hash=request.request_hash,
        request_id=call.request_id,
        status=NotificationStatus.QUEUED if reached else NotificationStatus.COMPLETED,
        status_reason=None if reached else StatusReason.NO_RECIPIENTS,
        counts=Counts(targeted=targeted, unsent=targeted),
        created_at=now,
        planned_at=now,
        completed_at=None if reached else now,
        next_check_at=now + FIRST_CHECK if reached else None,
        chunk_count=1 if reached else 0,
        validate_only=request.validate_only,
        caller=request.caller,
        type=request.type,
        usernames=request.usernames[:20],
    )


def _notification_id(deps: Deps, call: Call) -> str:
    """Hash the key, so that creating the notification is the lock against a second one; random where no key was given."""
    if call.idempotency_key is None:
        return deps.identifiers.new_id()
    return hash_identifier("notification", call.client.tenant, call.client.id, ROUTE, call.idempotency_key)
