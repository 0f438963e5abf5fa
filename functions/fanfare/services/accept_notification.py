"""Accepting a request to send: check, resolve, store in one commit, nudge."""

from __future__ import annotations

from dataclasses import dataclass

from fanfare.domain.address import AddressKind
from fanfare.domain.call import Call
from fanfare.domain.chunk import ChunkKey
from fanfare.domain.errors import FanfareError, IdempotencyMismatch, InvalidRequest
from fanfare.domain.identifiers import hash_identifier
from fanfare.domain.message import Platform, TargetKind
from fanfare.domain.notification import FIRST_CHECK, Counts, Notification, NotificationStatus, StatusReason
from fanfare.domain.packing import pack_recipients
from fanfare.domain.recipient import Recipient
from fanfare.domain.send_request import SendRequest
from fanfare.domain.tenant_settings import TenantSettings
from fanfare.domain.wording import Wording
from fanfare.ports import Deps
from fanfare.services.resolve_recipients import resolve_recipients
from fanfare.services.word_notification import check_addressed, check_content, life_of, word_request

LARGEST_RECIPIENTS_BYTES = 700 * 1024
MOST_NAMED = 20
"""So many of the addressed people can a notification be found by."""
ROUTE = "POST /api/v1/notify"


@dataclass(frozen=True, slots=True)
class Accepted:
    """The stored notification; `replayed` if an earlier request with the same key had made it."""

    notification: Notification
    replayed: bool = False


def accept_notification(deps: Deps, call: Call, request: SendRequest) -> Accepted:
    """Accept a request to send. Nothing is stored unless all of it is good; once it is stored, it is sent even if the nudge is lost."""
    settings = _settings(deps, call.tenant)
    try:
        wording = word_request(deps, call.tenant, request)
        check_content(deps, request, wording, _platforms(request), settings.channels)
        recipients = resolve_recipients(deps, call.tenant, request)
        _check_size(recipients)
        check_addressed(deps, request, wording, recipients)
    except FanfareError:
        # A template, the channels or whom it reaches may have changed since the first request under this key was accepted; its answer still stands.
        earlier = _earlier(deps, call)
        if earlier is None:
            raise
        return _replay(earlier, request)
    notification = _notification(deps, call, request, wording, settings, targeted=len(recipients))
    existing = deps.notifications.accept(notification, recipients)
    if existing is not None:
        return _replay(existing, request)
    if recipients:
        deps.tasks.enqueue_send(ChunkKey(notification.tenant, notification.id, 0), call.request_id)
    return Accepted(notification)


def _settings(deps: Deps, tenant: str) -> TenantSettings:
    """What the tenant has decided about its messages; an instance has it at hand."""
    found = deps.tenants.get(tenant)
    return TenantSettings() if found is None else found.settings


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


def _earlier(deps: Deps, call: Call) -> Notification | None:
    if call.idempotency_key is None:
        return None
    return deps.notifications.get(call.tenant, _notification_id(deps, call))


def _replay(existing: Notification, request: SendRequest) -> Accepted:
    if existing.request_hash != request.request_hash:
        raise IdempotencyMismatch("This Idempotency-Key was used with another request body.")
    return Accepted(existing, replayed=True)


def _notification(deps: Deps, call: Call, request: SendRequest, wording: Wording | None, settings: TenantSettings, *, targeted: int) -> Notification:
    now = deps.clock.now()
    reached = targeted > 0
    return Notification(
        id=_notification_id(deps, call),
        tenant=call.tenant,
        client_id=call.actor.id,
        message=request.message,
        ttl_seconds=life_of(request, wording, usual=settings.default_ttl_seconds),
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
        usernames=request.usernames[:MOST_NAMED],
        profile_ids=_profile_ids(request)[:MOST_NAMED],
        topic=_topic(request),
        actor_kind=call.actor.kind,
        address=call.actor.address,
        wording=wording,
    )


def _profile_ids(request: SendRequest) -> tuple[str, ...]:
    return tuple(address.value for address in request.to.addresses if address.kind is AddressKind.PROFILE)


def _topic(request: SendRequest) -> str | None:
    target = request.to.fanned_out
    return target.value if target is not None and target.kind is TargetKind.TOPIC else None


def _notification_id(deps: Deps, call: Call) -> str:
    """Hash the key, so that creating the notification is the lock against a second one; random where no key was given."""
    if call.idempotency_key is None:
        return deps.identifiers.new_id()
    return hash_identifier("notification", call.tenant, call.actor.id, ROUTE, call.idempotency_key)
