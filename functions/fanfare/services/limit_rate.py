"""Rate limits: count a request and judge it; a limiter that does not answer lets everybody through."""

from __future__ import annotations

from collections.abc import Mapping

from fanfare.domain.errors import RateLimited, Unavailable
from fanfare.domain.limits import Budget, LimitGroup, Usage, limit_of
from fanfare.ports import Deps
from fanfare.services.authenticate import Bearer


def limit_rate(deps: Deps, tenant: str, caller: str, limits: Mapping[str, int], group: LimitGroup) -> Usage | None:
    """Count a caller's request; returns what is left, or None where it can't be known. RateLimited if the caller has used up its minute."""
    budget = Budget(tenant, caller, group, limit_of(limits, group))
    try:
        usage = deps.rates.use(budget)
    except Unavailable:
        deps.log.warning("rate_limiter_failed_open", tenant=tenant, caller=caller, group=group.value)
        return None
    if not usage.allowed:
        raise RateLimited(usage)
    return usage


def limit_bearer(deps: Deps, bearer: Bearer, group: LimitGroup) -> Usage:
    """Count a request by the message that its receipt is of, in this instance alone; RateLimited as above."""
    usage = deps.bearer_rates.use(Budget(bearer.tenant, bearer.counted_as, group, limit_of({}, group)))
    if not usage.allowed:
        raise RateLimited(usage)
    return usage
