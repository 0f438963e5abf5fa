"""How the apps of a tenant's fleet reply to its pings."""

from __future__ import annotations

from datetime import timedelta

from fanfare.domain.pings import FleetCounts
from fanfare.ports import Deps
from fanfare.services.new_notification import settings_of


def fleet_health(deps: Deps, tenant: str) -> FleetCounts | None:
    """Count the active devices that replied, are silent, are pinged no more, at most a minute ago; None where pings are switched off."""
    keepalive = settings_of(deps, tenant).keepalive
    if not keepalive.enabled:
        return None
    # Whole minutes, so that the same question is asked again and its answer is at hand.
    since = (deps.clock.now() - timedelta(days=keepalive.max_silence_days)).replace(second=0, microsecond=0)
    return deps.keepalive.count(tenant, since)
