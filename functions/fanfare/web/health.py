"""`/health`: open, and never waiting for what it reports on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from flask import Response, jsonify

from fanfare.domain.client import Scope
from fanfare.domain.health import ComponentHealth, is_impaired
from fanfare.services.show_readiness import show_readiness
from fanfare.web.app_state_answers import AppStateOut, show_state
from fanfare.web.gate import any_host, authorized, caller, deps, public
from fanfare.web.resource import Resource
from fanfare.web.schema import Out

routes = Resource("health", "How the service is.")
State = Literal["ok", "degraded", "down", "unknown"]


class ComponentsOut(Out):
    """The last known state of what we depend on."""

    firestore: State
    tasks: State
    secrets: State
    fcm: State
    scheduler: State


class HealthOut(Out):
    """`degraded` if a component is known to be down, or degraded itself."""

    status: Literal["ok", "degraded"]
    components: ComponentsOut


class ComponentOut(Out):
    """One component: its last known state, how long it took to tell, and what is wrong with one that is degraded."""

    state: State
    latency_ms: float | None
    problems: list[str]


class ReadyOut(Out):
    """What an operator asks first: every component, and the tenants whose messages are held (a tenant's client sees its own alone).

    `held` is null while the database does not answer.
    `uncounted_requests` were let through by this instance because the rate limiter did not answer.
    """

    status: Literal["ok", "degraded"]
    components: dict[str, ComponentOut]
    held: list[AppStateOut] | None
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
    """Show components with their latencies and what is wrong with them, and whose messages are held and why."""
    found = show_readiness(deps(), caller())
    return jsonify(
        {
            "status": _status(found.components),
            "components": {name: _shown(component) for name, component in found.components.items()},
            "held": None if found.held is None else [show_state(tenant) for tenant in found.held],
            "uncounted_requests": deps().rates.failures,
        }
    )


def _shown(component: ComponentHealth) -> dict[str, object]:
    return {"state": component.state.value, "latency_ms": component.latency_ms, "problems": list(component.problems)}


def _status(components: Mapping[str, ComponentHealth]) -> str:
    return "degraded" if is_impaired(components.values()) else "ok"
