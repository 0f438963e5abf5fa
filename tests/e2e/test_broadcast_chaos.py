from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.broadcast_plan import SMALL
from tests.chaos.broadcast_run import run_broadcast_chaos
from tests.chaos.broadcast_table import render_broadcast


@pytest.mark.timeout(300)
def test_broadcast_loses_nobody_while_fanout_and_send_are_killed(tmp_path: Path) -> None:
    report = run_broadcast_chaos(SMALL, tmp_path)
    assert not report.broken, render_broadcast(report)
    # The run proves nothing unless what should break did.
    assert sum(report.kills.values()) == SMALL.kills
    assert min(report.kills.values()) > 0
    assert report.cut_off > 0
