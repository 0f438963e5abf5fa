"""Waiting for the instant at which a local time comes to the next zones."""

from __future__ import annotations

from fanfare.domain.chunk import CLOCK_SKEW
from fanfare.domain.fanning import Advanced, next_stage
from fanfare.domain.layout import Layout
from fanfare.services.broadcast_turn import Turn


def wait_for_zone(turn: Turn, layout: Layout) -> None:
    """Let the next stage begin if its instant has come; else the turn ends: a task was asked for then, and the sweep finds it if it is lost."""
    now = turn.deps.clock.now()
    due = turn.fanout.judge_at or now
    if due <= now:
        turn.store(lambda _, fanout: Advanced(next_stage(fanout, layout)))
    else:
        # The task itself may come early, by as much as clocks differ.
        turn.end(lambda _, fanout: Advanced(fanout), due if due - now <= CLOCK_SKEW else None)
