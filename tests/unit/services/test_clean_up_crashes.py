"""A cleanup that dies at any of its steps, or that two calls do at once, comes to the same end: what is due is gone, each device counted once."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest

from fanfare.domain.errors import Unavailable
from fanfare.ports import Deps
from fanfare.services.clean_up import clean_up
from tests.factories import TENANT_ID
from tests.interleaving import Worker, crew
from tests.unit.services.cleaning import assert_cleaned, full_attic
from tests.unit.services.test_crashes import Crash, Fault, Fragile

STORES = ("ended", "retention", "devices", "profiles", "notifications", "audience", "audit", "tenants", "tasks")


def fragile(deps: Deps, fault: Fault) -> Deps:
    return replace(deps, **{name: Fragile(getattr(deps, name), fault) for name in STORES})


def live(fault: Fault) -> None:
    """A day on which one call fails, and the next day's tick."""
    attic = full_attic()
    used = fragile(attic.deps, fault)
    for _ in range(3):
        try:
            clean_up(used, TENANT_ID, "request-1")
        except (Crash, Unavailable):
            continue
    assert_cleaned(attic)


def test_cleanup_that_dies_anywhere_is_finished_by_the_next() -> None:
    whole = Fault()
    live(whole)
    for at in range(1, whole.steps + 1):
        for late in (False, True):
            # A store that does not answer leaves a kind to the next call, a process that dies leaves all of them.
            fault = Fault(at, late, Crash if (at + late) % 2 else lambda: Unavailable("Firestore does not answer."))
            live(fault)
            assert fault.steps >= at, "each failure happened"


@pytest.mark.parametrize("seed", range(40))
def test_calls_at_once_remove_everything_and_count_it_once(seed: int) -> None:
    attic, chance = full_attic(), random.Random(seed)  # noqa: S311 - which worker comes next

    def work(worker: Worker) -> Any:
        return clean_up(replace(attic.deps, **{name: worker.watched(getattr(attic.deps, name)) for name in STORES}), TENANT_ID, "request-1")

    with crew(chance) as hired:
        for _ in range(3):
            hired.hire(work)
        for _ in range(300):
            hired.advance(0.01)
        hired.finish()
    attic.clean()
    assert_cleaned(attic)
