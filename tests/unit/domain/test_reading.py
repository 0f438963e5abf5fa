"""What one scrape shows beside the counters."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from fanfare.adapters.reading_window import MemoryReadingWindow
from fanfare.domain.brake import Quarantine
from fanfare.domain.breaker import open_breaker
from fanfare.domain.notification import Counts
from fanfare.domain.reading import FRESH, Held, Reading, held_of, progress_of
from tests.factories import NOW, a_tenant


def test_tenants_are_counted_by_what_holds_them() -> None:
    broken = replace(a_tenant(), breakers=open_breaker({}, "all", "unauthenticated", NOW) or {})
    quarantined = replace(a_tenant(), quarantine=Quarantine("unregistered", NOW, ()))
    both = replace(broken, quarantine=quarantined.quarantine)
    assert held_of([a_tenant(), broken, quarantined, both]) == Held(breaker_open=2, quarantined=2)


def test_progress_is_summed_by_outcome() -> None:
    counts = [Counts(4, sent=1, failed=1, retrying=1, unsent=1, delivered=1), Counts(2, sent=2)]
    assert progress_of(counts) == {"sent": 3, "failed": 1, "retrying": 1, "unsent": 1}
    assert progress_of([]) == Reading(NOW, {}).progress


def test_reading_is_shown_for_a_minute() -> None:
    window, reading = MemoryReadingWindow(), Reading(NOW, {"accepted": 1})
    assert window.recent(NOW) is None
    window.keep(reading)
    assert window.recent(NOW + FRESH - timedelta(microseconds=1)) == reading
    assert window.recent(NOW + FRESH) is None
