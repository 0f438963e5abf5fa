"""How a tenant's audience stands."""

from __future__ import annotations

from fanfare.domain.audience import Audience
from fanfare.ports import Deps
from fanfare.services.apps import get_app


def show_audience(deps: Deps, tenant: str) -> Audience:
    """The header of a tenant's audience, an empty one if nothing was ever compacted; NotFound for an unknown tenant."""
    get_app(deps, tenant)
    return deps.audience.get(tenant) or Audience(tenant)
