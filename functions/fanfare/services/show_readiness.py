"""Everything that an operator asks first: how the components are, and whose messages are held."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fanfare.domain.client import Client
from fanfare.domain.errors import Unavailable
from fanfare.domain.health import ComponentHealth, State
from fanfare.domain.tenant import Tenant
from fanfare.ports import Deps
from fanfare.services.hold_tenant import list_held_tenants

DATABASE = "firestore"


@dataclass(frozen=True, slots=True)
class Readiness:
    """The components, and the tenants whose messages are held; None: the database does not answer, so that nobody knows."""

    components: Mapping[str, ComponentHealth]
    held: Sequence[Tenant] | None


def show_readiness(deps: Deps, client: Client) -> Readiness:
    """Tell how everything is. A database that is known to be down is not asked and waited for."""
    components = deps.health.check()
    is_down = DATABASE in components and components[DATABASE].state is State.DOWN
    return Readiness(components, None if is_down else _held(deps, client))


def _held(deps: Deps, client: Client) -> Sequence[Tenant] | None:
    try:
        return list_held_tenants(deps, client)
    except Unavailable:
        return None
