"""`/apps/{id}/rotate-keys`: new keys for a tenant, and how far everything has been written anew under them."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Any, Literal

from flask import Response, jsonify
from pydantic import Field

from fanfare.domain.client import Scope
from fanfare.domain.tenant import Tenant
from fanfare.services.apps import admit
from fanfare.services.rotate_keys import begin_rotation, show_rotation
from fanfare.web.app_schemas import AppPath
from fanfare.web.gate import authorized, call, caller, deps
from fanfare.web.instants import show_time
from fanfare.web.resource import Resource
from fanfare.web.schema import Out, problems

PhaseName = Literal[
    "announced", "filling_profiles", "filling_devices", "switched", "closed", "clearing_profiles", "clearing_devices", "clearing_locks"
]

routes = Resource("key_rotation", "Tenants: one app each, with its own Firebase project.", tag="apps")


class KeyRotationOut(Out):
    """A tenant's keys: the phase of the rotation that is under way (null: none is), and when the last one ended."""

    id: str
    phase: PhaseName | None
    started_at: datetime | None
    due_at: datetime | None = Field(description="When the rotation goes on.")
    done: int | None = Field(description="How many documents this phase has written.")
    rotated_at: datetime | None


@routes.post("/apps/<id>/rotate-keys", responses={202: KeyRotationOut, **problems(404)})
@authorized(Scope.ADMIN, Scope.PLATFORM)
def rotate(path: AppPath) -> Response:
    """Begin to write a tenant's devices and profiles anew under new keys. Everything goes on meanwhile; while one is under way no other begins."""
    response = jsonify(_show(begin_rotation(deps(), call(), admit(caller(), path.id))))
    response.status_code = HTTPStatus.ACCEPTED
    return response


@routes.get("/apps/<id>/rotate-keys", responses={200: KeyRotationOut, **problems(404)})
@authorized(Scope.ADMIN, Scope.PLATFORM)
def show(path: AppPath) -> Response:
    """Show how far a rotation has come."""
    return jsonify(_show(show_rotation(deps(), admit(caller(), path.id))))


def _show(tenant: Tenant) -> dict[str, Any]:
    rotation = tenant.rotation
    return {
        "id": tenant.id,
        "phase": rotation.phase.value if rotation else None,
        "started_at": show_time(rotation.started_at) if rotation else None,
        "due_at": show_time(rotation.due_at) if rotation else None,
        "done": rotation.done if rotation else None,
        "rotated_at": show_time(tenant.keys_rotated_at),
    }
