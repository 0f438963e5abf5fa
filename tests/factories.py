"""Valid objects of the domain for tests: each factory takes the fields that matter to its test, the rest is filled in.

Nothing here is drawn at random: two calls with the same fields give equal objects. An object that must differ from
another one says so by its `id`, from which the values follow that may not be shared (target, hashes).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from fanfare.domain.address import Address, AddressKind
from fanfare.domain.call import Actor, ActorKind, Call
from fanfare.domain.client import TENANT_SCOPES, Client, format_token, hash_token
from fanfare.domain.device import Device, Owner
from fanfare.domain.event import EventKind
from fanfare.domain.message import Message, Platform, TargetKind
from fanfare.domain.notification import Counts, Notification, NotificationStatus
from fanfare.domain.profile import Profile
from fanfare.domain.recipient import Recipient
from fanfare.domain.registration import Details, Registration
from fanfare.domain.target import Target
from fanfare.domain.tenant import Tenant
from fanfare.domain.tenant_keys import FIRST_INDEX_KEY
from fanfare.domain.webhook import Webhook, format_secret

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
"""The instant at which the factories' objects are as they are; what they tell of the past lies before it."""
TENANT_ID = "acme"
CLIENT_SECRET = "a-secret-of-no-consequence"


def a_token(name: str = "1", **fields: Any) -> Target:
    """A registration token that looks like one of FCM's; the same name gives the same token."""
    usual: dict[str, Any] = {"kind": TargetKind.TOKEN, "value": f"APA91b:token-{name}"}
    return Target(**usual | fields)


def an_owner(profile_id: str = "profile-1", **fields: Any) -> Owner:
    """An owner who is named by a username that follows from the profile's id."""
    usual: dict[str, Any] = {"profile_id": profile_id, "username": f"user-of-{profile_id}", "addresses": (f"{FIRST_INDEX_KEY}.hash-of-{profile_id}",)}
    return Owner(**usual | fields)


def a_profile(**fields: Any) -> Profile:
    """A person known by a username."""
    named = fields.get("id", "profile-1")
    usual: dict[str, Any] = {
        "id": named,
        "created_at": NOW - timedelta(days=30),
        "username": f"user-of-{named}",
        "addresses": (f"{FIRST_INDEX_KEY}.hash-of-{named}",),
    }
    return Profile(**usual | fields)


def a_device(**fields: Any) -> Device:
    """An active Android device of `profile-1`, a month old, seen yesterday."""
    named = fields.get("id", "device-1")
    usual: dict[str, Any] = {
        "id": named,
        "target": a_token(named),
        "platform": Platform.ANDROID,
        "owners": (an_owner(),),
        "created_at": NOW - timedelta(days=30),
        "last_seen_at": NOW - timedelta(days=1),
    }
    device = Device(**usual | fields)
    if device.device_id is None:
        return device
    # An app that says its own device id has said it under every owner, unless a test says otherwise.
    owners = tuple(replace(owner, installed_as=owner.installed_as or device.device_id) for owner in device.owners)
    return replace(device, owners=owners)


def a_registration(**fields: Any) -> Registration:
    """An app that registers a token of its own for a username."""
    usual: dict[str, Any] = {
        "target": a_token("new"),
        "platform": Platform.ANDROID,
        "profile": Address(AddressKind.USERNAME, "user-of-profile-1"),
        "details": Details(),
    }
    return Registration(**usual | fields)


def a_recipient(**fields: Any) -> Recipient:
    """A row of a chunk: an Android device with a token of its own."""
    named = fields.get("device_id", "device-1")
    usual: dict[str, Any] = {"device_id": named, "target": a_token(named), "platform": Platform.ANDROID}
    return Recipient(**usual | fields)


def a_notification(**fields: Any) -> Notification:
    """A queued notification of one chunk to one recipient, accepted now."""
    usual: dict[str, Any] = {
        "id": "notification-1",
        "tenant": TENANT_ID,
        "client_id": "client-1",
        "message": Message(title="Order confirmed", body="Your order is on its way."),
        "ttl_seconds": 3_600,
        "request": {"title": "Order confirmed", "body": "Your order is on its way."},
        "request_hash": "hash-of-the-request",
        "request_id": "request-1",
        "status": NotificationStatus.QUEUED,
        "counts": Counts(targeted=1, unsent=1),
        "created_at": NOW,
        "planned_at": NOW,
    }
    return Notification(**usual | fields)


def client_token(client_id: str = "client-1") -> str:
    """The Client-Token of `a_client` with this id."""
    return format_token(client_id, CLIENT_SECRET)


def a_client(**fields: Any) -> Client:
    """A client with every right in its tenant; `client_token` opens it."""
    named = fields.get("id", "client-1")
    usual: dict[str, Any] = {
        "id": named,
        "tenant": TENANT_ID,
        "name": "Back office",
        "token_hash": hash_token(client_token(named)),
        "scopes": TENANT_SCOPES,
        "created_at": NOW - timedelta(days=30),
    }
    return Client(**usual | fields)


def a_tenant(**fields: Any) -> Tenant:
    """A tenant whose sending is in order."""
    named = fields.get("id", TENANT_ID)
    usual: dict[str, Any] = {
        "id": named,
        "name": "Acme",
        "firebase_project_id": f"{named}-app",
        "credential_secret": f"fanfare-credential-{named}",
        "credential_version": "latest",
        "data_key_id": "key-1",
        "created_at": NOW - timedelta(days=30),
    }
    return Tenant(**usual | fields)


def a_webhook(**fields: Any) -> Webhook:
    """An active webhook that wants to know how notifications end; its secret follows from its id."""
    named = fields.get("id", "webhook-1")
    usual: dict[str, Any] = {
        "id": named,
        "tenant": TENANT_ID,
        "url": "https://hooks.example.com/fanfare",
        "events": frozenset({EventKind.NOTIFICATION_COMPLETED, EventKind.NOTIFICATION_FAILED}),
        "secret": format_secret(named.encode().ljust(32, b".")),
        "created_at": NOW,
        "updated_at": NOW,
        "created_by": "client-1",
    }
    return Webhook(**usual | fields)


def a_call(key: str | None = None, *, id: str = "client-1", tenant: str = TENANT_ID, request_id: str = "request-1") -> Call:  # noqa: A002 - the client's own field
    """A call by a client, with or without an Idempotency-Key."""
    return Call(tenant, Actor(ActorKind.CLIENT, id, "203.0.113.7", request_id), request_id, key)
