"""The tick of every five minutes: asks for the compaction of what devices changed, looks after audiences, asks for the tally of what was sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from fanfare.domain.audience import BEGINNING
from fanfare.domain.buckets import BUCKETS
from fanfare.domain.compaction import watermark_after
from fanfare.domain.tenant import PLATFORM_TENANT
from fanfare.ports import Deps
from fanfare.services.count_ended import count_ended
from fanfare.services.roll_up_receipts import nudge_receipts
from fanfare.services.tally_notifications import nudge_tallies
from fanfare.services.tend_audiences import tend_audiences


@dataclass(frozen=True, slots=True)
class Reach:
    """How much one tick looks at: `pages` of `changes` in each bucket; where there are more, the next tick goes on.

    A page is larger than what one commit can write, and so than what there is of one time.
    """

    changes: int = 2_000
    pages: int = 3


USUAL_REACH = Reach()


@dataclass(frozen=True, slots=True)
class RolledUp:
    """What one tick did: how many tenants were to be compacted, how many generations of shards were deleted, how many tenants were to be tallied.

    `receipts` tells whether the summing of receipts was asked for, `ended` how much was counted of what has ended.
    """

    tenants: int
    generations: int
    tallies: int = 0
    receipts: bool = False
    ended: int = 0


@dataclass(slots=True)
class _Nudges:
    """Which tenants' compaction was asked for in this tick, and whether the queue took it."""

    deps: Deps
    request_id: str
    reach: Reach
    asked: dict[str, bool] = field(default_factory=lambda: {PLATFORM_TENANT: True})

    def nudge(self, tenant: str) -> bool:
        """Ask for a tenant's compaction, once a tick; the platform's own tenant has no audience."""
        if tenant not in self.asked:
            self.asked[tenant] = self.deps.tasks.enqueue_compaction(tenant, self.request_id)
        return self.asked[tenant]


def roll_up(deps: Deps, request_id: str, *, reach: Reach = USUAL_REACH) -> RolledUp:
    """Ask for the compaction of every tenant whose devices changed since the last tick, tend the audiences that are due, ask for tallies and sums."""
    nudges, positions = _Nudges(deps, request_id, reach), deps.audience.get_positions()
    deps.audience.set_positions({bucket: _advance(nudges, bucket, positions.get(bucket, BEGINNING)) for bucket in range(BUCKETS)})
    tenants, generations = len(nudges.asked) - 1, tend_audiences(deps, request_id)
    # Counting what has ended comes last: where the database can't, everything else was asked for.
    rolled_up = RolledUp(tenants, generations, nudge_tallies(deps, request_id), nudge_receipts(deps, request_id), count_ended(deps))
    deps.log.info("rolled_up", tenants=rolled_up.tenants, generations=rolled_up.generations, tallies=rolled_up.tallies)
    return rolled_up


def _advance(nudges: _Nudges, bucket: int, position: datetime) -> datetime:
    """Look through a bucket's changes from a position on: returns the one to go on from, which passes no change whose tenant was not nudged."""
    started_at = nudges.deps.clock.now()
    changes = nudges.reach.changes
    for _ in range(nudges.reach.pages):
        page = nudges.deps.audience.find_changed(bucket, position, changes)
        taken = [nudges.nudge(tenant) for tenant in dict.fromkeys(tenant for tenant, _ in page)]
        if not all(taken):
            return position
        last = page[-1][1] if len(page) == changes else None
        position = max(position, watermark_after(started_at, last))
        if last is None:
            break
    return position
