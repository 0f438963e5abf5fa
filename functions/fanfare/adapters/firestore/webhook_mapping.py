"""Webhooks and their documents: plain words, but for the secrets, which are sealed."""

from __future__ import annotations

from typing import Any

from google.cloud.firestore import Client as Firestore
from google.cloud.firestore import DocumentReference

from fanfare.adapters.cipher import FieldCipher
from fanfare.adapters.firestore.paths import collection_of
from fanfare.domain.event import EventKind
from fanfare.domain.webhook import Webhook, WebhookReason

VERSION = 1
_KINDS = {kind.value: kind for kind in EventKind}
_REASONS = {reason.value: reason for reason in WebhookReason}


def webhook_reference(firestore: Firestore, tenant: str, webhook_id: str) -> DocumentReference:
    """`tenants/{t}/webhooks/{id}`."""
    return collection_of(firestore, tenant, "webhooks").document(webhook_id)


def webhook_to_document(webhook: Webhook, cipher: FieldCipher) -> dict[str, Any]:
    """Map a webhook."""
    sealed = cipher.encrypt(webhook.tenant, _place(webhook.id, "secret"), webhook.secret.encode("ascii"))
    previous = webhook.previous_secret
    return {
        "v": VERSION,
        "url": webhook.url,
        "events": sorted(kind.value for kind in webhook.events),
        "description": webhook.description,
        "active": webhook.active,
        "inactive_reason": webhook.inactive_reason.value if webhook.inactive_reason is not None else None,
        "secret": sealed,
        "previous_secret": cipher.encrypt(webhook.tenant, _place(webhook.id, "previous_secret"), previous.encode("ascii")) if previous else None,
        "previous_valid_until": webhook.previous_valid_until,
        "rotation_id": webhook.rotation_id,
        "failure_count": webhook.failure_count,
        "failing_since": webhook.failing_since,
        "last_triggered_at": webhook.last_triggered_at,
        "noted_at": webhook.noted_at,
        "created_by": webhook.created_by,
        "created_at": webhook.created_at,
        "updated_at": webhook.updated_at,
    }


def webhook_from_document(tenant: str, webhook_id: str, fields: dict[str, Any], cipher: FieldCipher, revision: object = None) -> Webhook:
    """Map a document, read at `revision`; kinds and reasons that a newer version knows are left out."""
    previous = fields["previous_secret"]
    return Webhook(
        id=webhook_id,
        tenant=tenant,
        url=fields["url"],
        events=frozenset(_KINDS[name] for name in fields["events"] if name in _KINDS),
        secret=cipher.decrypt(tenant, _place(webhook_id, "secret"), fields["secret"]).decode("ascii"),
        created_at=fields["created_at"],
        updated_at=fields["updated_at"],
        description=fields["description"],
        active=fields["active"],
        inactive_reason=_REASONS.get(fields["inactive_reason"]),
        previous_secret=cipher.decrypt(tenant, _place(webhook_id, "previous_secret"), previous).decode("ascii") if previous else None,
        previous_valid_until=fields["previous_valid_until"],
        rotation_id=fields["rotation_id"],
        failure_count=fields["failure_count"],
        failing_since=fields["failing_since"],
        last_triggered_at=fields["last_triggered_at"],
        noted_at=fields["noted_at"],
        created_by=fields["created_by"],
        revision=revision,
    )


def _place(webhook_id: str, field: str) -> str:
    return f"webhooks/{webhook_id}/{field}"
