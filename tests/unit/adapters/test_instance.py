from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from fanfare.adapters.instance import STATM, ThisInstance
from tests.fakes import FixedClock

MEBIBYTE = 1024 * 1024


def test_uptime_begins_with_the_first_request() -> None:
    clock = FixedClock()
    instance = ThisInstance(clock)
    clock.advance(timedelta(minutes=2))
    assert instance.vitals().uptime_seconds == 120.0


def test_memory_and_load_are_those_of_this_process() -> None:
    vitals = ThisInstance(FixedClock()).vitals()
    assert 10 * MEBIBYTE < vitals.memory_bytes < 8_000 * MEBIBYTE
    assert all(load >= 0 for load in vitals.load)


def test_memory_is_read_in_pages(tmp_path: Path) -> None:
    statm = tmp_path / "statm"
    statm.write_text("9999 256 1 1 0 1 0\n", encoding="ascii")
    pages = ThisInstance(FixedClock(), statm).vitals().memory_bytes / 256
    assert pages in {4_096, 16_384, 65_536}


def test_memory_is_the_peak_where_nothing_tells_of_the_present(tmp_path: Path) -> None:
    peak = ThisInstance(FixedClock(), tmp_path / "missing").vitals().memory_bytes
    assert peak >= ThisInstance(FixedClock(), STATM).vitals().memory_bytes * 0.9
