"""`/apps`: what an operator does to a tenant."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from flask import Response, jsonify
from flask_openapi import APIBlueprint, Tag

from fanfare.domain.client import Scope
from fanfare.domain.errors import NotFound
from fanfare.domain.tenant import Tenant
from fanfare.services.release_tenant import HeldTargets, release_tenant
from fanfare.web.device_schemas import show_time
from fanfare.web.gate import authorized, caller, deps
from fanfare.web.schema import Identifier, In, Out, problems

blueprint = APIBlueprint("apps", __name__, abp_tags=[Tag(name="apps", description="Tenants.")])


class AppPath(In):
    """Which tenant."""

    id: Identifier


class ReleaseIn(In):
    """What becomes of the targets that the brake held: keep them active, or retire them after all."""

    targets: Literal["keep", "retire"]


class BreakerOut(Out):
    """An open breaker: FCM's error code, since when, and when it is probed next."""

    scope: str
    reason: str
    opened_at: datetime
    probe_at: datetime


class AppStateOut(Out):
    """Whether a tenant's messages are held, and why."""

    id: str
    quarantine_reason: str | None
    breakers: list[BreakerOut]


@blueprint.post("/apps/<id>/release", responses={200: AppStateOut, **problems(404, 409)})
@authorized(Scope.ADMIN)
def release(path: AppPath, body: ReleaseIn) -> Response:
    """End a tenant's quarantine; what was parked is sent within a minute."""
    if path.id != caller().tenant:
        raise NotFound("There is no such tenant.")
    return jsonify(show_state(release_tenant(deps(), path.id, HeldTargets(body.targets), caller().id)))


def show_state(tenant: Tenant) -> dict[str, Any]:
    """Whether a tenant's messages are held, as the API shows it."""
    return {
        "id": tenant.id,
        "quarantine_reason": tenant.quarantine.reason if tenant.quarantine else None,
        "breakers": [
            {"scope": scope, "reason": breaker.reason, "opened_at": show_time(breaker.opened_at), "probe_at": show_time(breaker.probe_at)}
            for scope, breaker in tenant.breakers.items()
        ],
    }
