"""A compactor's time in office: the lease that it holds, how far it has come, and when it must stop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from fanfare.domain.audience import (
    Audience,
    begin_generation,
    finish_pass,
    is_renewal_due,
    publish_generation,
    release_lease,
    renew_lease,
    take_lease,
)
from fanfare.domain.compaction import Sizes
from fanfare.ports import Deps

WORKING_TIME = timedelta(seconds=180)
"""How long one task compacts before it leaves the rest to another: a function is killed after 300 seconds."""


class Interrupted(Exception):
    """The instance ends, or the task's time is over: what is left is another task's."""


@dataclass(slots=True)
class Tenure:
    """`audience` is the header as this compactor wrote it last, with the watermarks that it has reached since."""

    deps: Deps
    audience: Audience
    sizes: Sizes
    ends_at: datetime

    def keep(self) -> None:
        """Renew the lease if it is time, storing how far this has come. LostLease if somebody else compacts now."""
        if is_renewal_due(self.audience, self.deps.clock.now()):
            self.renew()

    def renew(self) -> None:
        """Renew the lease. LostLease if somebody else compacts now."""
        self._decide(lambda stored, now: renew_lease(stored, self.audience, now))

    def begin_generation(self, factor: int) -> None:
        """Reserve a generation of `factor` times as many shards."""
        self._decide(lambda stored, now: begin_generation(stored, self.audience, factor, now))

    def publish_generation(self) -> None:
        """Make the generation that was reserved the current one."""
        self._decide(lambda stored, now: publish_generation(stored, self.audience, now))

    def finish(self, devices: int) -> None:
        """End the pass: every bucket is complete."""
        self._decide(lambda stored, now: finish_pass(stored, self.audience, devices, now))

    def release(self) -> None:
        """Let somebody else go on from here."""
        self._decide(lambda stored, _: release_lease(stored, self.audience))

    def check_working_time(self) -> None:
        """Raise Interrupted if nothing new should be begun."""
        if self.deps.lifecycle.is_stopping() or self.deps.clock.now() >= self.ends_at:
            raise Interrupted

    def _decide(self, decide: Callable[[Audience, datetime], Audience]) -> None:
        now = self.deps.clock.now()
        self.audience = self.deps.audience.update(self.audience.tenant, lambda stored: decide(stored, now))


def begin_tenure(deps: Deps, tenant: str, sizes: Sizes) -> Tenure | None:
    """Become the compactor of a tenant's audience; None while somebody else is."""
    owner, now = deps.identifiers.new_id(), deps.clock.now()
    audience = deps.audience.update(tenant, lambda stored: take_lease(stored, owner, now))
    return Tenure(deps, audience, sizes, now + WORKING_TIME) if audience.lease is not None and audience.lease.owner == owner else None
