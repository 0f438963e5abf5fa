"""`/audit`: who did what, from where."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from flask import Response
from pydantic import StringConstraints

from fanfare.domain.audit import StoredEntry
from fanfare.domain.client import Scope
from fanfare.domain.filters import AuditFilter
from fanfare.services.list_pages import list_audit
from fanfare.web.gate import authorized, call, deps
from fanfare.web.instants import Instant, show_time
from fanfare.web.paging import PageQuery, show_page
from fanfare.web.resource import Resource
from fanfare.web.schema import Out

routes = Resource("audit", "Who did what, from where.")
_Word = Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,64}$")]
_Action = Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,64}\.[a-z_]{1,64}$")]
_Actor = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,128}$")]


class AuditQuery(PageQuery):
    """Which entries, and paging. `client_id` is whoever acted; `resource_id` goes with `resource` and the two times only."""

    client_id: _Actor | None = None
    action: _Action | None = None
    resource: _Word | None = None
    resource_id: _Actor | None = None
    created_after: Instant | None = None
    created_before: Instant | None = None


class ActorOut(Out):
    """Who acted: an API client, an app's user, or one of Fanfare's own functions."""

    kind: Literal["client", "user", "function"]
    id: str


class ChangeOut(Out):
    """What a field held before and after; null where it held nothing, `(not shown)` where the value is a secret or a person's."""

    before: str | None
    after: str | None


class EntryOut(Out):
    """One thing that was done."""

    id: str
    at: datetime
    action: str
    resource: str
    resource_ids: list[str]
    actor: ActorOut
    address: str | None
    request_id: str | None
    changes: dict[str, ChangeOut]
    facts: dict[str, str]


class AuditPage(Out):
    """A page of the audit log."""

    items: list[EntryOut]
    next_cursor: str | None


@routes.get("/audit", responses={200: AuditPage})
@authorized(Scope.ADMIN, Scope.PLATFORM)
def index(query: AuditQuery) -> Response:
    """List the tenant's audit log, the newest entry first; the platform's clients see the platform's own."""
    filters = AuditFilter(**query.model_dump(exclude={"limit", "cursor"}))
    return show_page(list_audit(deps(), call().tenant, filters, query.limit, query.cursor), show_entry)


def show_entry(stored: StoredEntry) -> dict[str, Any]:
    """An entry as the API shows it."""
    entry = stored.entry
    return {
        "id": stored.id,
        "at": show_time(entry.at),
        "action": entry.action,
        "resource": entry.resource,
        "resource_ids": list(entry.resource_ids),
        "actor": {"kind": entry.actor.kind.value, "id": entry.actor.id},
        "address": entry.actor.address,
        "request_id": entry.actor.request_id,
        "changes": {name: {"before": change.before, "after": change.after} for name, change in entry.changes.items()},
        "facts": dict(entry.facts),
    }
