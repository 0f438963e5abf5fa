"""What a new notification is made of, whichever way it was asked for."""

from __future__ import annotations

from dataclasses import dataclass

from fanfare.domain.address import AddressKind
from fanfare.domain.call import Call
from fanfare.domain.errors import IdempotencyMismatch
from fanfare.domain.identifiers import hash_identifier
from fanfare.domain.message import TargetKind
from fanfare.domain.notification import FIRST_CHECK, Counts, Notification, NotificationStatus, StatusReason
from fanfare.domain.send_request import SendRequest
from fanfare.domain.tenant_settings import TenantSettings
from fanfare.domain.wording import Wording
from fanfare.ports import Deps
from fanfare.services.word_notification import life_of

MOST_NAMED = 20
"""So many of the addressed people can a notification be found by."""
ROUTE = "POST /api/v1/notify"


@dataclass(frozen=True, slots=True)
class Accepted:
    """The stored notification; `replayed` if an earlier request with the same key had made it."""

    notification: Notification
    replayed: bool = False


def settings_of(deps: Deps, tenant: str) -> TenantSettings:
    """What the tenant has decided about its messages; an instance has it at hand."""
    found = deps.tenants.get(tenant)
    return TenantSettings() if found is None else found.settings


def earlier_of(deps: Deps, call: Call, route: str = ROUTE) -> Notification | None:
    """The notification that an earlier request under the same key has made."""
    if call.idempotency_key is None:
        return None
    return deps.notifications.get(call.tenant, notification_id_of(deps, call, route))


def replay_of(existing: Notification, request_hash: str) -> Accepted:
    """Answer a repeated request; IdempotencyMismatch if it is another one under the same key."""
    if existing.request_hash != request_hash:
        raise IdempotencyMismatch("This Idempotency-Key was used with another request body.")
    return Accepted(existing, replayed=True)


def new_notification(
    deps: Deps, call: Call, request: SendRequest, wording: Wording | None, settings: TenantSettings, *, targeted: int
) -> Notification:
    """Make the notification of a request that reaches `targeted` recipients: completed at once where these are none."""
    now = deps.clock.now()
    reached = targeted > 0
    return Notification(
        id=notification_id_of(deps, call),
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
    if request.to.segment is not None:
        # The devices of a topic one by one; any other segment names none.
        return (request.raw.get("to") or {}).get("topic")
    target = request.to.fanned_out
    return target.value if target is not None and target.kind is TargetKind.TOPIC else None


def notification_id_of(deps: Deps, call: Call, route: str = ROUTE) -> str:
    """Hash the key, so that creating the notification is the lock against a second one; random where no key was given."""
    if call.idempotency_key is None:
        return deps.identifiers.new_id()
    return hash_identifier("notification", call.tenant, call.actor.id, route, call.idempotency_key)
