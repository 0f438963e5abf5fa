"""The header of an audience: leases and epochs, watermarks, generations and what pins them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from fanfare.domain.audience import (
    BEGINNING,
    CLOCK_SKEW,
    KEPT,
    LEASE,
    RENEW_AFTER,
    Audience,
    Lease,
    LostLease,
    begin_generation,
    droppable_generations,
    finish_pass,
    forget_generations,
    is_compacted,
    is_renewal_due,
    pin_generation,
    publish_generation,
    release_lease,
    release_pins,
    renew_lease,
    take_lease,
    with_watermark,
)
from tests.factories import NOW

SECOND = timedelta(seconds=1)
EMPTY = Audience("acme")


def held(audience: Audience = EMPTY, owner: str = "owner-1") -> Audience:
    taken = take_lease(audience, owner, NOW)
    assert taken is not None
    return taken


def test_compactor_takes_the_lease_under_a_new_epoch() -> None:
    taken = held(replace(EMPTY, epoch=4))
    assert (taken.epoch, taken.lease, taken.began_at, taken.next_check_at) == (5, Lease("owner-1", NOW + LEASE), NOW, NOW + KEPT)


def test_nobody_else_takes_it_while_it_lasts() -> None:
    taken = held()
    assert take_lease(taken, "owner-2", NOW + LEASE + CLOCK_SKEW) is None
    later = take_lease(taken, "owner-2", NOW + LEASE + CLOCK_SKEW + SECOND)
    assert later is not None
    assert (later.epoch, later.began_at) == (2, NOW)
    assert [is_compacted(audience, NOW) for audience in (EMPTY, taken)] == [False, True]


def test_lease_is_renewed_before_it_ends() -> None:
    taken = held()
    assert not is_renewal_due(taken, NOW + RENEW_AFTER - SECOND)
    assert is_renewal_due(taken, NOW + RENEW_AFTER)
    assert is_renewal_due(EMPTY, NOW)
    assert renew_lease(taken, taken, NOW + SECOND).lease == Lease("owner-1", NOW + SECOND + LEASE)


def test_renewing_stores_how_far_the_compactor_has_come_and_keeps_what_others_wrote() -> None:
    taken = held()
    stored = replace(taken, pins={"notification-1": 1}, watermarks=(NOW,) * 16)
    ahead = replace(with_watermark(taken, 3, NOW + SECOND), is_counted=False)
    renewed = renew_lease(stored, ahead, NOW)
    assert renewed.watermarks == tuple(NOW + SECOND if bucket == 3 else NOW for bucket in range(16))
    assert (renewed.pins, renewed.is_counted) == ({"notification-1": 1}, False)


@pytest.mark.parametrize(
    "stored",
    [held(held_before := replace(EMPTY, epoch=1), "owner-2"), replace(held(), lease=None), replace(held(), lease=Lease("owner-2", NOW)), held_before],
)
def test_compactor_that_was_overtaken_writes_no_header(stored: Audience) -> None:
    for write in (renew_lease, publish_generation):
        with pytest.raises(LostLease):
            write(stored, held(), NOW)
    with pytest.raises(LostLease):
        release_lease(stored, held())
    with pytest.raises(LostLease):
        begin_generation(stored, held(), 2, NOW)
    with pytest.raises(LostLease):
        finish_pass(stored, held(), 1, NOW)


def test_who_has_given_its_lease_back_writes_nothing_more() -> None:
    taken = held()
    with pytest.raises(LostLease):
        release_lease(taken, release_lease(taken, taken))


def test_watermark_rises_and_never_falls() -> None:
    risen = with_watermark(EMPTY, 2, NOW)
    assert risen.watermarks[2] == NOW
    assert with_watermark(risen, 2, NOW - SECOND) == risen
    assert risen.watermark == BEGINNING
    assert replace(EMPTY, watermarks=(NOW, *(NOW + SECOND,) * 15)).watermark == NOW


def test_finished_pass_is_nobodys_and_needs_no_looking_after() -> None:
    taken = replace(held(), is_counted=False)
    ended = finish_pass(taken, taken, 7, NOW + SECOND)
    assert (ended.devices, ended.is_counted, ended.lease, ended.began_at, ended.next_check_at) == (7, True, None, None, None)
    assert ended.compacted_at == NOW + SECOND
    pinned = replace(taken, pins={"notification-1": 1})
    assert finish_pass(pinned, taken, 7, NOW).next_check_at == NOW + KEPT


def test_new_generation_is_read_by_nobody_before_it_is_published() -> None:
    taken = held(replace(EMPTY, shards=4, generations={1: 4}))
    begun = begin_generation(taken, taken, 4, NOW)
    assert (begun.generation, begun.shards, begun.newest, begun.generations, begun.superseded) == (1, 4, 2, {1: 4, 2: 16}, {2: NOW})
    assert begun.live_generations == {1: 4}
    published = publish_generation(begun, begun, NOW + SECOND)
    assert (published.generation, published.shards, published.superseded) == (2, 16, {1: NOW + SECOND})
    assert published.live_generations == {2: 16}


def test_generation_is_published_once_however_often_it_is_asked_for() -> None:
    taken = held()
    begun = begin_generation(taken, taken, 2, NOW)
    published = publish_generation(begun, begun, NOW)
    assert publish_generation(published, begun, NOW) == published


def test_number_of_a_generation_that_was_broken_off_is_not_used_again() -> None:
    taken = held()
    begun = begin_generation(taken, taken, 2, NOW)
    assert begin_generation(begun, begun, 8, NOW).generations == {1: 1, 2: 2, 3: 8}


def test_broadcast_pins_the_current_generation_and_keeps_it() -> None:
    pinned = pin_generation(EMPTY, "notification-1", NOW)
    assert pinned is not None
    assert (pinned.pins, pinned.next_check_at) == ({"notification-1": 1}, NOW + KEPT)
    moved = replace(pinned, generation=2, generations={1: 1, 2: 2})
    assert pin_generation(moved, "notification-1", NOW) is None
    again = pin_generation(moved, "notification-2", NOW + SECOND)
    assert again is not None
    assert (again.pins, again.next_check_at) == ({"notification-1": 1, "notification-2": 2}, NOW + KEPT)
    assert again.live_generations == {2: 2, 1: 1}


def test_pins_are_released_by_name() -> None:
    pinned = replace(EMPTY, pins={"notification-1": 1, "notification-2": 1})
    released = release_pins(pinned, ["notification-2", "unknown"])
    assert released is not None
    assert released.pins == {"notification-1": 1}
    assert release_pins(pinned, ["unknown"]) is None


def test_pin_of_a_generation_that_is_gone_compacts_nothing() -> None:
    assert replace(EMPTY, pins={"notification-1": 9}).live_generations == {1: 1}


@pytest.mark.parametrize(
    ("changes", "after", "droppable"),
    [
        ({}, KEPT, {1: 4}),
        ({}, KEPT - SECOND, {}),
        ({"pins": {"notification-1": 1}}, KEPT, {}),
        ({"superseded": {1: NOW, 2: NOW}}, KEPT, {1: 4}),
        ({"superseded": {3: NOW}}, KEPT, {3: 32}),
        ({"superseded": {1: NOW, 3: NOW}, "lease": Lease("owner-1", NOW + KEPT)}, KEPT, {1: 4}),
        ({"superseded": {3: NOW}, "lease": Lease("owner-1", NOW)}, KEPT, {3: 32}),
    ],
)
def test_what_nothing_reads_is_dropped_after_a_while(changes: dict[str, object], after: timedelta, droppable: dict[int, int]) -> None:
    audience = Audience("acme", generation=2, shards=8, newest=3, generations={1: 4, 2: 8, 3: 32}, superseded={1: NOW})
    assert droppable_generations(replace(audience, **changes), NOW + after) == droppable  # type: ignore[arg-type]


def test_dropped_generation_is_forgotten_and_the_rest_is_looked_at_again() -> None:
    audience = Audience("acme", generation=3, generations={1: 1, 2: 2, 3: 4}, superseded={1: NOW, 2: NOW}, next_check_at=NOW)
    left = forget_generations(audience, [1], NOW)
    assert (left.generations, left.superseded, left.next_check_at) == ({2: 2, 3: 4}, {2: NOW}, NOW + KEPT)
    assert forget_generations(left, [2], NOW).next_check_at is None
