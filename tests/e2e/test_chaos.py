from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.plan import SMALL
from tests.chaos.run import run_chaos
from tests.chaos.table import render


@pytest.mark.timeout(240)
def test_nothing_is_lost_while_everything_around_the_sender_breaks(tmp_path: Path) -> None:
    report = run_chaos(SMALL, tmp_path)
    assert not report.broken, render(report)
    # The run proves nothing unless what should break did.
    assert len(report.kills) == SMALL.kills
    assert report.passes_cut_off > 0
    assert report.open_after_kills > 0
    assert sum(chunk.claims for chunk in report.evidence.chunks) > len(report.evidence.chunks)
    assert min(report.fault_hits.values()) > 0
    assert report.tasks["duplicated"] > 0
