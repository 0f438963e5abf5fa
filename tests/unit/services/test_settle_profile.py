"""A profile that goes while its devices are being told of its change."""

from __future__ import annotations

from datetime import datetime

from fanfare.domain.profile import Spread, Stage
from fanfare.domain.spreading import SETTLE_AFTER
from fanfare.services.settle_profile import settle_profile, settle_profiles
from tests.factories import NOW, TENANT_ID, a_call, a_profile
from tests.fakes import MemoryProfileStore, fake_deps
from tests.unit.services.seeding import add_profile


def test_profile_that_is_gone_is_settled_no_further() -> None:
    gone = a_profile(spread=Spread(1, Stage.REPLACING, (), NOW + SETTLE_AFTER))
    deps = fake_deps()
    assert settle_profile(deps, TENANT_ID, gone, a_call().actor) == gone
    assert deps.profiles.get(TENANT_ID, gone.id) is None


def test_tick_passes_over_what_another_tick_has_settled_or_removed() -> None:
    class Stale(MemoryProfileStore):
        def find_unsettled(self, now: datetime, limit: int) -> list[tuple[str, str]]:
            return [(TENANT_ID, "removed"), (TENANT_ID, "settled")]

    deps = fake_deps(profiles=Stale())
    settled = add_profile(deps, "settled")
    assert settle_profiles(deps) == 2
    assert deps.profiles.get(TENANT_ID, "settled") == settled
