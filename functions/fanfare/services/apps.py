"""Tenants: make, find and change one, and ask FCM whether its credential works."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from fanfare.domain.audit import AuditEntry, Trail, changes_between
from fanfare.domain.call import Actor, Call
from fanfare.domain.client import Client, Scope
from fanfare.domain.credential import ServiceAccount, is_project_id
from fanfare.domain.dry_run import DryRun
from fanfare.domain.errors import Conflict, InvalidRequest, NotFound
from fanfare.domain.identifiers import hash_identifier
from fanfare.domain.key_rotation import first_index_key
from fanfare.domain.tenant import PLATFORM_TENANT, Tenant
from fanfare.domain.tenant_keys import IndexKeys
from fanfare.domain.tenant_settings import TenantSettings, change_settings
from fanfare.ports import Deps
from fanfare.services.credentials import ask_fcm, check_project, discard, replace_credential, store_checked
from fanfare.services.start_templates import start_templates


@dataclass(frozen=True, slots=True)
class NewApp:
    """What a tenant is to be: its project follows from the credential, or is named where the tenant's admin brings the credential later."""

    name: str
    firebase_project_id: str | None = None
    credential: ServiceAccount | None = None
    settings: Mapping[str, object] = field(default_factory=dict)


def admit(client: Client, tenant_id: str) -> str:
    """Let a client act on a tenant: the platform on every one, others on their own. NotFound, as for a tenant that does not exist."""
    if Scope.PLATFORM not in client.scopes and tenant_id != client.tenant:
        raise NotFound.of("tenant")
    return tenant_id


def create_app(deps: Deps, call: Call, new: NewApp) -> Tenant:
    """Store a tenant with its data key; its credential is tried before anything names it. InvalidRequest, Conflict if its project is taken."""
    settings = change_settings(TenantSettings(), new.settings)
    tenant = _new_tenant(deps, call, new, settings)
    if new.credential is not None and deps.tenants.owner_of(tenant.firebase_project_id) in {None, tenant.id}:
        tenant = replace(tenant, credential_version=store_checked(deps, tenant, new.credential))
    elif new.credential is not None:
        raise _project_taken()
    try:
        deps.tenants.create(tenant, _trail("app.created", call.actor, tenant.created_at)(None, tenant))
    except Conflict:
        if tenant.credential_version is not None:
            discard(deps, tenant, tenant.credential_version)
        tenant = _earlier(deps, call, tenant)
    start_templates(deps, tenant.id, call.actor)
    return tenant


def get_app(deps: Deps, tenant_id: str) -> Tenant:
    """Find a tenant as it is stored now; NotFound for an unknown one, and for the platform's own, which is no app."""
    tenant = deps.tenants.get_fresh(tenant_id) if tenant_id != PLATFORM_TENANT else None
    if tenant is None:
        raise NotFound.of("tenant")
    return tenant


def update_app(
    deps: Deps, call: Call, tenant_id: str, *, settings: Mapping[str, object], name: str | None = None, credential: ServiceAccount | None = None
) -> Tenant:
    """Change what is given of a tenant, all of which is checked before anything is changed; NotFound, InvalidRequest, Conflict."""
    tenant = get_app(deps, tenant_id)
    change_settings(tenant.settings, settings)
    if credential is not None:
        tenant = replace_credential(deps, call, tenant, credential)
    given = {*settings, *(() if name is None else ("name",))}

    def decide(stored: Tenant) -> Tenant | None:
        defects = {field: reason for field, reason in stored.defects.items() if field not in given}
        changed = replace(stored, name=name or stored.name, settings=change_settings(stored.settings, settings), defects=defects)
        return changed if changed != stored else None

    return deps.tenants.update(tenant.id, decide, _trail("app.updated", call.actor, deps.clock.now())) or tenant


def verify_app(deps: Deps, call: Call, tenant_id: str) -> DryRun:
    """Ask FCM now whether the tenant's credential works, and say what it said; NotFound, Unavailable."""
    tenant = get_app(deps, tenant_id)
    result = ask_fcm(deps, tenant)
    facts = {"result": result.kind.value, "code": "" if result.is_accepted else result.code}
    deps.audit.record(tenant.id, AuditEntry("app.verified", call.actor, deps.clock.now(), (tenant.id,), facts=facts))
    return result


def _new_tenant(deps: Deps, call: Call, new: NewApp, settings: TenantSettings) -> Tenant:
    """A repeat under the same key is the same tenant: where the first request was broken off, its repeat finds what it made."""
    key = call.idempotency_key
    tenant_id = deps.identifiers.new_id() if key is None else hash_identifier("tenant", call.tenant, call.actor.id, key)
    return Tenant(
        id=tenant_id,
        name=new.name,
        firebase_project_id=_project_of(new),
        credential_secret=f"fanfare-fcm-{tenant_id}",
        data_key_id=deps.identifiers.new_id(),
        created_at=deps.clock.now(),
        settings=settings,
        index=IndexKeys(first_index_key(deps.index_versions.newest_index_version())),
    )


def _project_of(new: NewApp) -> str:
    if new.credential is not None:
        if new.firebase_project_id is not None:
            check_project(new.firebase_project_id, new.credential)
        return new.credential.project_id
    if new.firebase_project_id is None or not is_project_id(new.firebase_project_id):
        raise InvalidRequest.at("firebase_project_id", "must be the id of a Firebase project, where no credential names it")
    return new.firebase_project_id


def _earlier(deps: Deps, call: Call, tenant: Tenant) -> Tenant:
    """What an earlier request under this key has made; Conflict if there was none, because then the project is another tenant's."""
    found = deps.tenants.get_fresh(tenant.id) if call.idempotency_key is not None else None
    if found is None or found.firebase_project_id != tenant.firebase_project_id:
        raise _project_taken()
    return found


def _trail(action: str, actor: Actor, at: datetime) -> Trail:
    """A tenant's settings are told one by one, as if they were fields of its own."""

    def entry(before: Tenant | None, after: Tenant) -> AuditEntry:
        changes = {name: change for name, change in changes_between(before, after).items() if name != "settings"}
        told = {} if before is None else changes_between(before.settings, after.settings)
        return AuditEntry(action, actor, at, (after.id,), {**changes, **told})

    return entry


def _project_taken() -> Conflict:
    return Conflict("This Firebase project belongs to another tenant.")
