"""What every store of lanes does: a slot is given once, whoever asks at the same time."""

from __future__ import annotations

from datetime import datetime, timedelta

from fanfare.domain.pacing import BULK_LANE, TOPIC_LANE, Course, Pacing, Share, Tail
from tests.contract.stores.racing import race
from tests.contract.stores.real import Stores
from tests.factories import NOW

LANE = Pacing(
    Course(NOW, 12.5),
    (Share("notification-1", 400, Course(NOW + timedelta(hours=1), 60.0)), Share("notification-2", 1, Course(NOW))),
    240_000,
    NOW + timedelta(minutes=10),
    Tail("notification-3", Course(NOW - timedelta(hours=1), 3.5)),
)


def test_lane_that_was_never_used_is_idle(stores: Stores, tenant: str) -> None:
    assert stores.pacing.get(tenant, BULK_LANE) == Pacing()


def test_lane_is_read_as_it_was_written(stores: Stores, tenant: str) -> None:
    assert stores.pacing.reserve(tenant, BULK_LANE, lambda _: ("decided", LANE)) == "decided"
    assert stores.pacing.get(tenant, BULK_LANE) == LANE
    stores.pacing.reserve(tenant, BULK_LANE, lambda _: (None, Pacing()))
    assert stores.pacing.get(tenant, BULK_LANE) == Pacing()


def test_decision_to_change_nothing_stores_nothing(stores: Stores, tenant: str) -> None:
    stores.pacing.reserve(tenant, BULK_LANE, lambda _: (None, LANE))
    assert stores.pacing.reserve(tenant, BULK_LANE, lambda pacing: (pacing.limit_per_minute, None)) == 240_000
    assert stores.pacing.get(tenant, BULK_LANE) == LANE


def test_lanes_and_tenants_are_kept_apart(stores: Stores, tenant: str, other_tenant: str) -> None:
    stores.pacing.reserve(tenant, BULK_LANE, lambda _: (None, LANE))
    assert stores.pacing.get(tenant, TOPIC_LANE) == Pacing()
    assert stores.pacing.get(other_tenant, BULK_LANE) == Pacing()


def test_no_slot_is_given_twice(stores: Stores, tenant: str) -> None:
    def take(pacing: Pacing) -> tuple[datetime, Pacing]:
        at = max(NOW, pacing.course.next_at)
        return at, Pacing(Course(at + timedelta(seconds=1)))

    taken = race([lambda: stores.pacing.reserve(tenant, BULK_LANE, take)] * 4)
    assert sorted(taken) == [NOW + timedelta(seconds=number) for number in range(4)]
