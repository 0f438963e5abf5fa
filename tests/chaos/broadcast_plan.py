"""How one broadcast is tormented: who is killed when, and when it is paused, all of it from one seed."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class BroadcastPlan:
    """One run. The first kill is of `fanout`, within `first_kill_seconds`: it brings the audience up to date, or lays the broadcast out.

    `registered`: the devices have documents, which must be compacted; else they are packed straight into shards. The other kills hit while messages
    flow; none waits for that longer than `idle_seconds`. `minutes` is the longest that everything may take: what is still open then broke a promise.
    """

    recipients: int = 20_000
    kills: int = 24
    seed: int = 1
    minutes: float = 12.0
    latest_seconds: float = 2.0
    idle_seconds: float = 60.0
    fanout_share: float = 0.25
    registered: bool = False
    first_kill_seconds: float = 0.6
    pause_seconds: float = 10.0
    settle_seconds: float = 4.0
    ramp: tuple[int, ...] = (40, 100)
    dead_every: int = 33
    tick_seconds: float = 3.0

    def random(self, purpose: str) -> Random:
        """A generator of its own for each purpose: one that is asked more often does not change what another says."""
        return Random(f"{self.seed} broadcast {purpose}")  # noqa: S311 - the same seed must choose the same again

    @property
    def first_kill(self) -> float:
        """When `fanout` is killed for the first time, in seconds since the broadcast was accepted."""
        return self.random("first kill").random() * self.first_kill_seconds

    def victims(self) -> list[tuple[float, str]]:
        """Who is killed, and how many seconds after messages were seen to flow: at another point of its work each time."""
        random = self.random("kills")
        return [(random.random() * self.latest_seconds, "fanout" if random.random() < self.fanout_share else "send") for _ in range(self.kills - 1)]

    @property
    def pause_after(self) -> int:
        """After how many of these kills the broadcast is paused, while messages flow."""
        return (self.kills - 1) // 2


SMALL = BroadcastPlan(recipients=2_000, kills=4, minutes=4.0, registered=True, idle_seconds=5.0, pause_seconds=6.0, settle_seconds=3.0, ramp=(100,))
"""What CI can afford with every push."""
