"""Who calls: the client behind a Client-ID and its token, the user behind a Firebase ID token, or the device behind the receipt of a message."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from fanfare.domain.client import Client, Scope, check_scope, refusal_of
from fanfare.domain.errors import Forbidden, Unauthenticated
from fanfare.domain.id_token import REFUSED as REFUSED_USER
from fanfare.domain.id_token import User
from fanfare.domain.receipt import Receipt, read_receipt
from fanfare.domain.refusal import APP_DEVICE, APP_USER, UNKNOWN_CLIENT, Refusal, RefusalReason
from fanfare.domain.tenant import PLATFORM_TENANT
from fanfare.ports import Deps


@dataclass(frozen=True, slots=True)
class Bearer:
    """A device that calls by the receipt of a message to it."""

    tenant: str
    receipt: Receipt

    @property
    def actor_id(self) -> str:
        """What it is called in the audit log: with a colon, so that no client's id can be the same."""
        return f"device:{self.receipt.device_id}"

    @property
    def counted_as(self) -> str:
        """What its requests are limited by: the message, so that nobody's many messages make it wait; with a colon, as above."""
        return f"message:{self.receipt.notification_id}.{self.receipt.device_id}"


REFUSED = "The Client-ID or the Client-Token is missing or not valid."


def authenticate_client(deps: Deps, client_id: str, token: str, address: str) -> Client:
    """Find the client; Unauthenticated says the same for an unknown client, a wrong token, an expired or revoked one and a foreign address."""
    if not client_id or not token:
        raise Unauthenticated(REFUSED)
    client, now = deps.clients.get(client_id), deps.clock.now()
    reason = RefusalReason.UNKNOWN_CLIENT if client is None else refusal_of(client, token, address, now)
    if client is not None and reason is None:
        deps.clients.note_use(client, now)
        return client
    known = Refusal(client.tenant, client.id, reason) if client is not None and reason is not None else None
    deps.refusals.count(known or Refusal(PLATFORM_TENANT, UNKNOWN_CLIENT, RefusalReason.UNKNOWN_CLIENT), now)
    raise Unauthenticated(REFUSED)


def authorize_client(deps: Deps, client: Client, scopes: Collection[Scope]) -> None:
    """Refuse a client that has none of these scopes, and count it."""
    try:
        check_scope(client, scopes)
    except Forbidden:
        deps.refusals.count(Refusal(client.tenant, client.id, RefusalReason.SCOPE), deps.clock.now())
        raise


def authenticate_user(deps: Deps, token: str) -> User:
    """Find the user of an app whose Firebase project a tenant owns; Unauthenticated says the same for whatever is wrong.

    A project that a tenant has left behind opens nothing of it any more.
    """
    try:
        subject = deps.users.identify(token)
    except Unauthenticated:
        _count_user(deps, RefusalReason.ID_TOKEN)
        raise
    owner = deps.tenants.owner_of(subject.project)
    tenant = None if owner is None else deps.tenants.get(owner)
    if tenant is None or tenant.firebase_project_id != subject.project:
        _count_user(deps, RefusalReason.PROJECT)
        raise Unauthenticated(REFUSED_USER)
    return User(tenant.id, subject.uid)


def authenticate_receipt(deps: Deps, project: str, tokens: Sequence[str], field: str | None = None) -> Bearer:
    """Find the device that was sent a message of the tenant that owns a Firebase project: of several tokens the first good one says it.

    Unauthenticated names the `field` of them, if it is given, and says the same for whatever is wrong. A token that names no device proves nothing.
    """
    owner = deps.tenants.owner_of(project)
    tenant = None if owner is None else deps.tenants.get(owner)
    is_owner = tenant is not None and tenant.firebase_project_id == project
    if tenant is not None and is_owner:
        key = deps.receipt_keys.receipt_key(tenant.id)
        proven = (receipt for token in tokens if (receipt := read_receipt(key, token)) is not None and receipt.device_id is not None)
        if (receipt := next(proven, None)) is not None:
            return Bearer(tenant.id, receipt)
    deps.refusals.count(Refusal(PLATFORM_TENANT, APP_DEVICE, RefusalReason.RECEIPT), deps.clock.now())
    raise Unauthenticated.at(field, "is not valid for this project, or names no device") if field is not None else Unauthenticated(REFUSED)


def _count_user(deps: Deps, reason: RefusalReason) -> None:
    deps.refusals.count(Refusal(PLATFORM_TENANT, APP_USER, reason), deps.clock.now())
