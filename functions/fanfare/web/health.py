"""`/health`: open, and never waiting for what it reports on."""

from __future__ import annotations

from typing import Literal

from flask import Response, jsonify
from flask_openapi import APIBlueprint, Tag

from fanfare.web.gate import deps, public
from fanfare.web.schema import Out

blueprint = APIBlueprint("health", __name__, abp_tags=[Tag(name="health", description="How the service is.")])
State = Literal["ok", "down", "unknown"]


class ComponentsOut(Out):
    """The last known state of what we depend on."""

    firestore: State
    tasks: State
    secrets: State
    fcm: State


class HealthOut(Out):
    """`degraded` if a component is known to be down."""

    status: Literal["ok", "degraded"]
    components: ComponentsOut


class LiveOut(Out):
    """The process answers."""

    status: Literal["ok"]


@blueprint.get("/health", responses={200: HealthOut})
@public
def health() -> Response:
    """Show the last known state of every component, at most some seconds old."""
    components = dict(deps().health.check())
    return jsonify({"status": "degraded" if "down" in components.values() else "ok", "components": components})


@blueprint.get("/health/live", responses={200: LiveOut})
@public
def live() -> Response:
    """Answer that the process runs."""
    return jsonify({"status": "ok"})
