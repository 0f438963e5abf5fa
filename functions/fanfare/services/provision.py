"""Setting up: the tenants and clients that are there before anybody can call the API, made by whoever deploys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from fanfare.domain.audit import trail
from fanfare.domain.call import Actor, ActorKind, Call
from fanfare.domain.client import Client, Scope
from fanfare.domain.credential import parse_service_account
from fanfare.domain.errors import Conflict
from fanfare.domain.key_rotation import first_index_key
from fanfare.domain.tenant import PLATFORM_TENANT, Tenant
from fanfare.domain.tenant_keys import IndexKeys
from fanfare.ports import Deps
from fanfare.services.apps import NewApp, create_app
from fanfare.services.clients import store_client

SETUP = Actor(ActorKind.FUNCTION, "setup")


@dataclass(frozen=True, slots=True)
class NewClient:
    """What a client is to be."""

    tenant: str
    name: str
    scopes: Iterable[Scope]
    limits: Mapping[str, int] = field(default_factory=dict)
    expires_at: datetime | None = None


def create_tenant(deps: Deps, name: str, credential: Mapping[str, Any]) -> Tenant:
    """Store a tenant for the Firebase project that a service account belongs to, once FCM has accepted the account."""
    call = Call(PLATFORM_TENANT, SETUP, deps.identifiers.new_id())
    return create_app(deps, call, NewApp(name, credential=parse_service_account(credential)))


def create_client(deps: Deps, new: NewClient) -> tuple[Client, str]:
    """Store a client and return it with its token, which is known to nobody afterwards."""
    if new.tenant == PLATFORM_TENANT:
        ensure_platform(deps)
    client = Client(
        id=deps.identifiers.new_id(),
        tenant=new.tenant,
        name=new.name,
        token_hash="",
        scopes=frozenset(new.scopes),
        created_at=deps.clock.now(),
        expires_at=new.expires_at,
        limits=dict(new.limits),
    )
    return store_client(deps, SETUP, client)


def ensure_platform(deps: Deps) -> None:
    """Make the platform's own tenant, unless it is there: its data key seals the answers that platform clients are given."""
    if deps.tenants.get_fresh(PLATFORM_TENANT) is not None:
        return
    now = deps.clock.now()
    index = IndexKeys(first_index_key(deps.index_versions.newest_index_version()))
    platform = Tenant(PLATFORM_TENANT, "Platform", "", "", deps.identifiers.new_id(), now, index=index)
    with suppress(Conflict):  # Somebody else has just made it.
        deps.tenants.create(platform, trail("app.created", SETUP, now)(None, platform))
