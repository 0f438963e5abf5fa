"""`/health`: open, and never waiting for what it reports on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from flask import Response, jsonify

from fanfare.domain.client import Scope
from fanfare.domain.health import ComponentHealth
from fanfare.domain.health import State as HealthState
from fanfare.services.hold_tenant import list_held_tenants
from fanfare.web.app_state_answers import AppStateOut, show_state
from fanfare.web.gate import any_host, authorized, caller, deps, public
from fanfare.web.resource import Resource
from fanfare.web.schema import Out

routes = Resource("health", "How the service is.")
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


class ComponentOut(Out):
    """One component: its last known state and how long it took to tell."""

    state: State
    latency_ms: float | None


class ReadyOut(Out):
    """What an operator asks first: every component, and the tenants whose messages are held (a tenant's client sees its own alone).

    `uncounted_requests` were let through by this instance because the rate limiter did not answer.
    """

    status: Literal["ok", "degraded"]
    components: dict[str, ComponentOut]
    held: list[AppStateOut]
    uncounted_requests: int


class LiveOut(Out):
    """The process answers."""

    status: Literal["ok"]


@routes.get("/health", responses={200: HealthOut})
@public
@any_host
def health() -> Response:
    """Show the last known state of every component, at most some seconds old."""
    components = deps().health.check()
    return jsonify({"status": _status(components), "components": {name: found.state.value for name, found in components.items()}})


@routes.get("/health/live", responses={200: LiveOut})
@public
@any_host
def live() -> Response:
    """Answer that the process runs."""
    return jsonify({"status": "ok"})


@routes.get("/health/ready", responses={200: ReadyOut})
@authorized(Scope.READ, Scope.PLATFORM)
def ready() -> Response:
    """Show components with their latencies, and whose messages are held and why."""
    components = deps().health.check()
    held = [show_state(tenant) for tenant in list_held_tenants(deps(), caller())]
    shown = {name: {"state": found.state.value, "latency_ms": found.latency_ms} for name, found in components.items()}
    return jsonify({"status": _status(components), "components": shown, "held": held, "uncounted_requests": deps().rates.failures})


def _status(components: Mapping[str, ComponentHealth]) -> str:
    return "degraded" if any(found.state is HealthState.DOWN for found in components.values()) else "ok"
