"""What every store of broadcasts does: a fan-out and its notification move together, or not at all."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from fanfare.domain.audit import trail
from fanfare.domain.call import Actor, ActorKind
from fanfare.domain.chunk import Chunk, ChunkKey, ChunkState
from fanfare.domain.fanning import Advanced, Again, Fanout, Packing, Phase, Rescan
from fanfare.domain.filters import AuditFilter
from fanfare.domain.layout import Layout, Source
from fanfare.domain.local_time import LocalTime
from fanfare.domain.notification import Counts, Judgement, Notification, NotificationStatus, StatusReason
from fanfare.domain.zone_packing import ZonePacking
from tests.contract.stores.racing import race
from tests.contract.stores.real import Stores
from tests.factories import NOW, a_notification

ID = "notification-1"
BROADCAST = a_notification(counts=Counts(), chunk_count=0, layout=Layout(Source.AUDIENCE))
FANOUT = Fanout(
    owner="owner",
    lease_until=NOW + timedelta(seconds=45),
    phase=Phase.PACKING,
    stage=1,
    position=7,
    expected=400,
    judge_at=NOW + timedelta(minutes=10),
    look_at=NOW + timedelta(minutes=1),
    rescan=Rescan(Again.HELD, 3),
    packing=Packing(2, 64, 20, 1, 431, (30, 40)),
    zones=ZonePacking(2, 64, (NOW, NOW + timedelta(hours=1)), (3, 1), (4, 1), 20, 30, 1_700, 12),
)


@pytest.fixture
def broadcasting(stores: Stores, tenant: str) -> Stores:
    """Stores with a broadcast that was accepted."""
    stores.notifications.accept(BROADCAST, ())
    return stores


def _stored(stores: Stores) -> tuple[Notification, Fanout | None]:
    found = stores.broadcasts.advance("acme", ID, lambda *_: None)
    assert found is not None
    return found


def test_broadcast_that_nobody_has_begun_has_no_fanout(broadcasting: Stores) -> None:
    notification, fanout = _stored(broadcasting)
    assert (notification, fanout) == (BROADCAST, None)


def test_unknown_notification_is_none(stores: Stores, tenant: str) -> None:
    assert stores.broadcasts.advance(tenant, ID, lambda *_: Advanced(FANOUT)) is None


def test_fanout_is_read_as_it_was_written(broadcasting: Stores) -> None:
    for fanout in (FANOUT, replace(FANOUT, packing=None), replace(FANOUT, zones=None), Fanout("another", NOW)):
        advanced = broadcasting.broadcasts.advance("acme", ID, lambda *_, fanout=fanout: Advanced(fanout))
        assert advanced is not None
        assert advanced[1] == fanout
        assert _stored(broadcasting) == (BROADCAST, fanout)


def test_what_a_fanout_changes_of_its_notification_is_stored_with_it(broadcasting: Stores) -> None:
    laid_out = replace(
        BROADCAST,
        layout=Layout(Source.AUDIENCE, 3, (1, 8)),
        chunk_count=8,
        status=NotificationStatus.PAUSED,
        status_reason=StatusReason.GUARD_DEAD_SHARE,
        paused=True,
        judgement=Judgement(0, 40, 0.025, 0.5, StatusReason.GUARD_DEAD_SHARE),
        counts=Counts(3_000, unsent=3_000),
        started_at=NOW,
        next_check_at=NOW + timedelta(hours=1),
    )
    broadcasting.broadcasts.advance("acme", ID, lambda *_: Advanced(FANOUT, laid_out))
    assert _stored(broadcasting) == (laid_out, FANOUT)
    assert broadcasting.notifications.get("acme", ID) == laid_out


def test_fanout_leaves_the_request_of_its_notification_alone(broadcasting: Stores) -> None:
    other = replace(BROADCAST, request_hash="another", ttl_seconds=1)
    broadcasting.broadcasts.advance("acme", ID, lambda *_: Advanced(FANOUT, other))
    assert _stored(broadcasting)[0] == BROADCAST


def test_layout_of_a_local_time_is_read_as_it_was_written(stores: Stores, tenant: str) -> None:
    local = LocalTime(datetime(2026, 11, 24, 9, 30), "Asia/Kathmandu", 3_600)  # noqa: DTZ001 - a time on nobody's clock
    stores.notifications.accept(replace(BROADCAST, local_time=local), ())
    layout = Layout(Source.RECIPIENTS, None, (2, 100_001), (NOW, NOW + timedelta(hours=1)), (0, 100_000))
    laid_out = replace(BROADCAST, local_time=local, layout=layout, chunk_count=3)
    stores.broadcasts.advance("acme", ID, lambda *_: Advanced(FANOUT, laid_out))
    assert _stored(stores) == (laid_out, FANOUT)
    assert stores.notifications.get("acme", ID) == laid_out


def test_step_is_audited_in_its_commit(broadcasting: Stores) -> None:
    told = trail("notification.paused", Actor(ActorKind.FUNCTION, "fanout"), NOW)
    paused = replace(BROADCAST, paused=True)
    broadcasting.broadcasts.advance("acme", ID, lambda *_: Advanced(FANOUT, paused, told(BROADCAST, paused)))
    [entry] = broadcasting.audit.list("acme", AuditFilter(action="notification.paused"), 10, None).items
    assert entry.entry.resource_ids == (ID,)


def test_no_step_is_lost_between_two_writers(broadcasting: Stores) -> None:
    broadcasting.broadcasts.advance("acme", ID, lambda *_: Advanced(replace(FANOUT, position=0)))

    def step(notification: Notification, fanout: Fanout | None) -> Advanced:
        assert fanout is not None
        return Advanced(replace(fanout, position=fanout.position + 1), replace(notification, chunk_count=notification.chunk_count + 1))

    race([lambda: broadcasting.broadcasts.advance("acme", ID, step)] * 4)
    notification, fanout = _stored(broadcasting)
    assert fanout is not None
    assert (fanout.position, notification.chunk_count) == (4, 4)


def test_chunks_are_told_by_their_states(broadcasting: Stores) -> None:
    broadcasting.broadcasts.advance("acme", ID, lambda *_: Advanced(FANOUT, replace(BROADCAST, chunk_count=30)))
    for number, state in ((0, ChunkState.DONE), (2, ChunkState.HELD), (10, ChunkState.HELD), (11, ChunkState.CLAIMED)):
        claim = broadcasting.chunks.claim(ChunkKey("acme", ID, number), "owner", NOW)
        assert isinstance(claim, Chunk)
        broadcasting.chunks.save_chunk(replace(claim, state=state))
    assert broadcasting.broadcasts.chunk_states("acme", ID, range(1, 11)) == {2: ChunkState.HELD, 10: ChunkState.HELD}
    assert broadcasting.broadcasts.chunk_states("acme", ID, range(3)) == {0: ChunkState.DONE, 2: ChunkState.HELD}
    assert broadcasting.broadcasts.chunk_states("acme", "notification-2", range(3)) == {}
    assert broadcasting.broadcasts.count_held("acme", ID) == 2
    assert broadcasting.broadcasts.count_held("acme", "notification-2") == 0
