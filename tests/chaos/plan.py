"""How much chaos: counts, shares and instants, all of them from one seed."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class Plan:
    """One run. Shares are of recipients; a share of what goes wrong ends once it was used up, so that the run has an end.

    `minutes` is the longest that everything may take until all are delivered; what is still open then is a broken promise.
    """

    recipients: int = 20_000
    kills: int = 100
    seed: int = 1
    minutes: float = 8.0
    seconds_per_kill: float = 2.5
    firestore_stop_seconds: float = 20.0
    tick_seconds: float = 3.0
    dead_share: float = 0.03
    device_share: float = 0.2
    unavailable_share: float = 0.02
    quota_share: float = 0.02
    broken_connection_share: float = 0.001
    reset_stream_share: float = 0.002
    goaway_share: float = 0.0005
    duplicate_share: float = 0.2
    posting_share: float = 0.95
    refused_nudge_every: int = 7

    @property
    def kill_seconds(self) -> float:
        """How long `send` is being killed again and again."""
        return self.kills * self.seconds_per_kill

    def random(self, purpose: str) -> Random:
        """A generator of its own for each purpose: one that is asked more often does not change what another says."""
        return Random(f"{self.seed} {purpose}")  # noqa: S311 - the same seed must choose the same again

    def kill_instants(self) -> list[float]:
        """Seconds from the beginning at which `send` is killed: once in each stretch of time, wherever in it, so that no notification is spared."""
        random = self.random("kills")
        return [(number + random.random()) * self.seconds_per_kill for number in range(self.kills)]

    def firestore_stop_instant(self) -> float:
        """When Firestore stops answering: amid the kills."""
        return self.random("firestore").uniform(0.3, 0.5) * self.kill_seconds

    def post_instants(self, notifications: int) -> list[float]:
        """When each notification is posted: all through the kills, the last one early enough to be killed too."""
        return [index * self.posting_share * self.kill_seconds / notifications for index in range(notifications)]

    def refused_nudges(self, notifications: int) -> range:
        """Which notifications' tasks are refused, in the first half: the sweep finds each a minute later. None of them if there are too few."""
        return range(1, notifications // 2, self.refused_nudge_every) if notifications > self.refused_nudge_every else range(0)


SMALL = Plan(recipients=2_000, kills=8, minutes=2.5, firestore_stop_seconds=5.0, tick_seconds=2.0, duplicate_share=0.5)
"""What CI can afford with every push."""
