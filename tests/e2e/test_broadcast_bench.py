"""`make bench-broadcast` at 20,000 devices, one round: that it measures what it says, and that nobody is missed. Nothing is asserted of its times."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.bench.broadcast import FLOOR, SDK, USUAL, Plan, render, run

DEVICES, SHARDS = 20_000, 64


@pytest.mark.timeout(240)
def test_every_broadcast_of_the_bench_reaches_every_device(tmp_path: Path) -> None:
    plan = Plan((DEVICES,), rounds=1, floor_messages=2_000, sdk_messages=500, usual_messages=500, registered=0)
    outcome = run(tmp_path, plan)
    sys.stdout.write(f"\n{render(outcome)}\n")
    (size,) = outcome.sizes
    assert (size.shards, size.chunks) == (SHARDS, [SHARDS, SHARDS])
    assert size.sent == [DEVICES, DEVICES]
    assert {name: [cost.messages for cost in result.rounds] for name, result in outcome.others.items()} == {FLOOR: [2_000], SDK: [500], USUAL: [500]}
