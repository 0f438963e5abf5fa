"""New tenants and new API clients."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from fanfare.domain.client import Client, Scope, format_token, hash_token
from fanfare.domain.tenant import Tenant
from fanfare.ports import Deps

PLATFORM_TENANT = "platform"
"""The tenant of the clients that create tenants: it has no Firebase project and sends nothing."""


@dataclass(frozen=True, slots=True)
class NewClient:
    """What a client is to be."""

    tenant: str
    name: str
    scopes: Iterable[Scope]
    limits: Mapping[str, int] = field(default_factory=dict)
    expires_at: datetime | None = None


def create_tenant(deps: Deps, name: str, credential: Mapping[str, Any]) -> Tenant:
    """Store a tenant for the Firebase project that a service account belongs to; the account itself goes to Secret Manager alone."""
    tenant_id = deps.identifiers.new_id()
    tenant = Tenant(
        id=tenant_id,
        name=name,
        firebase_project_id=str(credential["project_id"]),
        credential_secret=f"fanfare-fcm-{tenant_id}",
        data_key_id=deps.identifiers.new_id(),
        created_at=deps.clock.now(),
    )
    deps.credentials.store(tenant.credential_secret, json.dumps(dict(credential)).encode("utf-8"))
    deps.tenants.create(tenant)
    return tenant


def create_client(deps: Deps, new: NewClient) -> tuple[Client, str]:
    """Store a client and return it with its token, which is known to nobody afterwards."""
    client_id = deps.identifiers.new_id()
    token = format_token(client_id, deps.identifiers.new_secret())
    client = Client(
        id=client_id,
        tenant=new.tenant,
        name=new.name,
        token_hash=hash_token(token),
        scopes=frozenset(new.scopes),
        created_at=deps.clock.now(),
        expires_at=new.expires_at,
        limits=dict(new.limits),
    )
    deps.clients.create(client)
    return client, token
