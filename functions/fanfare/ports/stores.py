"""What is kept, as Protocols. A write takes the audit entry that is stored with it, in one commit.

Stores raise `Unavailable` when Firestore does not answer; nothing else of a vendor's reaches a service.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from fanfare.domain.audit import AuditEntry, StoredEntry, Trail
from fanfare.domain.client import Client
from fanfare.domain.filters import AuditFilter, TemplateFilter
from fanfare.domain.idempotency import Attempt, StoredAnswer
from fanfare.domain.limits import Budget, Usage
from fanfare.domain.listing import Page
from fanfare.domain.refusal import Refusal
from fanfare.domain.template import Template
from fanfare.domain.tenant import Tenant


class ClientStore(Protocol):
    """API clients."""

    def get(self, client_id: str) -> Client | None:
        """Find a client; answers may be up to 60 seconds old."""
        ...

    def get_fresh(self, client_id: str) -> Client | None:
        """Find a client as it is stored now."""
        ...

    def create(self, client: Client, audit: AuditEntry | None = None) -> None:
        """Store a new client; Conflict if its id is taken."""
        ...

    def update(self, client_id: str, decide: Callable[[Client], Client | None], audit: Trail) -> Client | None:
        """Apply a pure decision to a stored client (None leaves it), with its audit entry in the same commit; returns its state or None."""
        ...

    def list(self, tenant: str, limit: int, after: str | None) -> Page[Client]:
        """List a tenant's clients in the order of their ids, those that are revoked included."""
        ...

    def note_use(self, client: Client, at: datetime) -> None:
        """Note that a client was used; at most once a day, and without effect where it can't be done at once."""
        ...


class TenantStore(Protocol):
    """Tenants and their data keys."""

    def get(self, tenant: str) -> Tenant | None:
        """Find a tenant; answers may be up to 60 seconds old."""
        ...

    def get_fresh(self, tenant: str) -> Tenant | None:
        """Find a tenant as it is stored now."""
        ...

    def create(self, tenant: Tenant, audit: AuditEntry | None = None) -> None:
        """Store a new tenant with a fresh data key and, if it has a credential, as its project's owner; Conflict if its id or project is taken."""
        ...

    def claim_project(self, tenant: Tenant, at: datetime) -> None:
        """Make a tenant the owner of its Firebase project, for ever; Conflict if another one is."""
        ...

    def owner_of(self, project: str) -> str | None:
        """The tenant that owns a Firebase project; answers may be up to 60 seconds old."""
        ...

    def list(self, limit: int, after: str | None) -> Page[Tenant]:
        """List tenants in the order of their ids."""
        ...

    def update(self, tenant: str, decide: Callable[[Tenant], Tenant | None], audit: Trail | None = None) -> Tenant | None:
        """Apply a pure decision to the stored tenant (None leaves it), with an audit entry in the same commit; returns its state."""
        ...

    def find_needing_attention(self, now: datetime, limit: int) -> Sequence[Tenant]:
        """Find the tenants that the schedule tick must look at by `now`."""
        ...

    def list_pinging(self, limit: int, after: str | None) -> Page[Tenant]:
        """List the tenants whose devices are pinged, in the order of their ids; one of broken settings may be among them."""
        ...

    def find_rotating(self, now: datetime, limit: int) -> Sequence[Tenant]:
        """Find the tenants whose rotation of keys goes on by `now`, the longest waiting first."""
        ...

    def add_data_key(self, tenant: str, key_id: str, at: datetime) -> None:
        """Store a new data key, which is not used yet; one of this id that is there already stays."""
        ...

    def settle_data_keys(self, tenant: str, current: str, at: datetime) -> None:
        """Note of every data key but the current one that it is retired, and wrap all of them by the newest version of the deployment's key."""
        ...


class OriginStore(Protocol):
    """The web pages that tenants let call the API."""

    def is_listed(self, origin: str) -> bool:
        """Tell whether a tenant, whichever, lists this origin; answers may be up to 60 seconds old."""
        ...


class TemplateStore(Protocol):
    """Templates and their last versions. One that was edited by hand and can't be read comes with a `defect`, which is stored with it."""

    def get(self, tenant: str, name: str) -> Template | None:
        """Find a template; answers may be up to 60 seconds old, but one that is not there is looked for again."""
        ...

    def get_fresh(self, tenant: str, name: str, version: int | None = None) -> Template | None:
        """Find a template as it is stored now, or one of its last 20 versions."""
        ...

    def create(self, tenant: str, template: Template, audit: Trail) -> bool:
        """Store a new template; False if its name is taken, nothing stored."""
        ...

    def update(self, tenant: str, name: str, decide: Callable[[Template], Template | None], audit: Trail) -> Template | None:
        """Apply a pure decision (None leaves the template) and keep its new version; returns its state, or None if there is none of this name."""
        ...

    def delete(self, tenant: str, name: str, audit: Trail) -> bool:
        """Delete a template with all its versions; False if there is none of this name."""
        ...

    def list(self, tenant: str, filters: TemplateFilter, limit: int, after: str | None) -> Page[Template]:
        """List templates in the order of their names."""
        ...


class IdempotencyStore(Protocol):
    """Answers given under an Idempotency-Key."""

    def begin(self, tenant: str, attempt: Attempt) -> StoredAnswer | None:
        """Reserve a key. Returns what is stored under it instead; None means that the request is ours to perform."""
        ...

    def finish(self, tenant: str, key_hash: str, answer: StoredAnswer) -> None:
        """Keep the answer for replays."""
        ...

    def abandon(self, tenant: str, attempt: Attempt) -> None:
        """Release a key whose request changed nothing, so that it may be used again."""
        ...


class PoisonStore(Protocol):
    """Tasks that can't be performed, because nothing in them names a piece of work."""

    def record(self, function: str, task: str, reason: str, at: datetime) -> None:
        """Keep that a task was refused, and why; its body is not kept."""
        ...


class CredentialStore(Protocol):
    """The tenants' FCM credentials, which are written and never read back by a service."""

    def store(self, name: str, value: bytes) -> str:
        """Add a version of a secret, creating it first where it does not exist; returns the version, a rising number."""
        ...

    def destroy(self, name: str, version: str) -> None:
        """Destroy a version's value for ever; one that is destroyed already stays so."""
        ...

    def disable_older(self, name: str, version: str) -> None:
        """Disable every version before this one: the one that it replaces, and what attempts that were broken off have left behind."""
        ...


class AuditStore(Protocol):
    """The audit log."""

    def record(self, tenant: str, entry: AuditEntry) -> None:
        """Store an entry of something that wrote nothing else: an export, a dry run."""
        ...

    def list(self, tenant: str, filters: AuditFilter, limit: int, after: str | None) -> Page[StoredEntry]:
        """List entries, the newest first."""
        ...


class RateLimiter(Protocol):
    """Counters of requests, by caller, group and minute."""

    @property
    def failures(self) -> int:
        """How many requests this instance could not count, since it began."""
        ...

    def use(self, budget: Budget) -> Usage:
        """Count a request and judge it; Unavailable if it can't be done in a second."""
        ...


class RefusalCounter(Protocol):
    """How often a client was refused, by minute: part of the audit log."""

    def count(self, refusal: Refusal, at: datetime) -> None:
        """Count a refusal. What this instance counts within a second is written together; a write that fails is counted again with the next."""
        ...
