"""What FCM and the task service do wrong: fault rules for their stand-ins."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Any

from tests.chaos.audience import DEAD_PREFIX
from tests.chaos.plan import Plan

QUICK_SECONDS, SLOW_SECONDS, SLOW_SHARE = 0.3, 1.2, 0.2
"""FCM takes its time, so that a kill meets messages that are accepted and not yet answered."""
_WAIT: dict[str, Any] = {"retry_after": 1}


@dataclass(frozen=True, slots=True)
class Fault:
    """A rule by its name; the first one in the list that matches a request decides. Without a share it meets every request, for ever."""

    name: str
    share: float | None
    answer: dict[str, Any]
    prefix: str | None = None

    def rule(self, plan: Plan) -> dict[str, Any]:
        """The rule as the simulator takes it. A hash of target and attempt chooses, with a seed of its own for each rule."""
        seed = plan.random(f"fault {self.name}").getrandbits(32)
        match = {"share": self.share, "seed": seed} if self.share is not None else {}
        if self.prefix is not None:
            match["target_prefix"] = self.prefix
        times = None if self.share is None or self.name == SLOW else ceil(self.share * plan.recipients)
        return {"id": self.name, "match": match, "times": times, "answer": {"delay_seconds": QUICK_SECONDS, **self.answer}}


DEAD, SLOW, QUICK = "dead", "slow", "quick"
UNAVAILABLE, BROKEN_AFTER, RESET_AFTER = "unavailable-after-accepting", "connection-lost-after-accepting", "stream-reset-after-accepting"
REPEATING = (UNAVAILABLE, BROKEN_AFTER, RESET_AFTER)
"""Faults that accept a message and do not say so: each one asks for one repeat by itself."""


def fcm_faults(plan: Plan) -> list[Fault]:
    """Everything that FCM does wrong, and its delays."""
    quota, lost = plan.quota_share / 2, plan.broken_connection_share / 2
    return [
        Fault(DEAD, None, {"error": "UNREGISTERED"}, DEAD_PREFIX),
        Fault(UNAVAILABLE, plan.unavailable_share, {"error": "UNAVAILABLE", "accept_first": True, **_WAIT}),
        Fault("message-rate", quota, {"error": "QUOTA_EXCEEDED_MESSAGE_RATE", **_WAIT}),
        Fault("device-rate", quota, {"error": "QUOTA_EXCEEDED_DEVICE_RATE", **_WAIT}),
        Fault(BROKEN_AFTER, lost, {"drop": "after", "drop_scope": "connection"}),
        Fault("connection-lost-before-accepting", lost, {"drop": "before", "drop_scope": "connection"}),
        Fault(RESET_AFTER, plan.reset_stream_share, {"drop": "after", "drop_scope": "stream"}),
        Fault("goaway", plan.goaway_share, {"goaway": True}),
        Fault(SLOW, SLOW_SHARE, {"delay_seconds": SLOW_SECONDS}),
        Fault(QUICK, None, {}),
    ]


def task_faults(plan: Plan) -> dict[str, Any]:
    """What the task service does wrong: it repeats and reorders."""
    return {"duplicate_share": plan.duplicate_share, "reorder": True, "seed": plan.seed}
