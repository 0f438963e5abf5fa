"""Whatever happens to notifications and to their tallies, the rows say in the end what the chunks say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from fanfare.domain.analytics import EVERY_ROW, Amounts, Row, RowKey, day_rows, merge_rows
from fanfare.domain.broadcast_progress import part_of
from fanfare.domain.chunk import Chunk, ChunkKey, ChunkState, Take
from fanfare.domain.layout import Layout, Source
from fanfare.domain.message import Platform
from fanfare.domain.notification import FINAL_STATUSES, Counts, NotificationStatus
from fanfare.domain.outcome import Outcome, Result, count, count_by_platform
from fanfare.domain.tallying import Tally, contributions_of, decide_tally
from fanfare.services.recompute_day import recompute_day
from fanfare.services.tally_notifications import tally_notifications
from tests.factories import NOW, TENANT_ID, a_notification
from tests.fakes import fake_deps

TODAY = NOW.date()
CHUNKS = 3
STATES = (ChunkState.RETRYING, ChunkState.PARKED)
WHERE = (Platform.ANDROID, Platform.IOS, Platform.WEB, None)


class _World:
    """Four notifications of two days, half of them of many chunks; `chance` decides what happens to them."""

    def __init__(self, seed: int) -> None:
        self.deps = fake_deps()
        self.chance = Random(seed)  # noqa: S311 - a history, no secret
        self.now = NOW
        self.layouts: dict[str, Layout | None] = {}
        self.late: list[list[Tally]] = []
        for number in range(4):
            layout = Layout(Source.RECIPIENTS, None, (1, CHUNKS)) if number % 2 else None
            name = f"notification-{number}"
            self.layouts[name] = layout
            made = {"created_at": NOW - timedelta(days=number // 2), "topic": "news" if number == 1 else None}
            status = NotificationStatus.SENDING if layout else NotificationStatus.QUEUED
            self.deps.notifications.accept(
                a_notification(id=name, layout=layout, chunk_count=CHUNKS if layout else 1, status=status, counts=Counts(6, unsent=6), **made), []
            )

    def happen(self) -> None:
        """One thing or another."""
        tallies = (self.tally, self.begin_tally, self.end_tally, self.end_tally, self.recompute)
        self.chance.choice((self.send, self.send, self.send, self.end, *tallies))()

    def send(self) -> None:
        """A pass over a chunk, whose results may differ from those of the last one in every way: a retry, a replay, a cancellation."""
        name = self.chance.choice(list(self.layouts))
        layout, self.now = self.layouts[name], self.now + timedelta(hours=1)
        key = ChunkKey(TENANT_ID, name, self.chance.randrange(CHUNKS) if layout else 0)
        claim = self.deps.chunks.claim(key, f"owner-{self.now}", self.now, take=Take.ALL)
        assert isinstance(claim, Chunk)
        results = {str(row): _result(self.chance) for row in range(self.chance.randrange(4))}
        chunk = replace(claim, state=self.chance.choice(STATES), due_at=self.now, results=results, counts=count(results.values(), len(results)))
        if self.chance.random() < 0.2:
            # The call dies after a checkpoint; a later one takes the chunk over.
            self.deps.chunks.save_chunk(replace(chunk, state=ChunkState.CLAIMED))
        elif layout is not None:
            self._go_on(name)
            self.deps.progress.conclude(chunk, part_of(layout, key.number))
        else:
            self._conclude(name, chunk, results)

    def _go_on(self, name: str) -> None:
        """What has ended is sent again by a replay only, which writes the notification."""
        again = NotificationStatus.SENDING
        self.deps.notifications.update(TENANT_ID, name, lambda stored: replace(stored, status=again) if stored.status in FINAL_STATUSES else None)

    def _conclude(self, name: str, chunk: Chunk, results: Mapping[str, Result]) -> None:
        stored = self.deps.notifications.get(TENANT_ID, name)
        assert stored is not None
        changed = replace(stored, status=NotificationStatus.SENDING, counts=chunk.counts, platforms=count_by_platform(results.values()))
        assert self.deps.chunks.conclude(chunk, changed)

    def end(self) -> None:
        """A notification of many chunks ends, or is paused."""
        name = self.chance.choice([name for name, layout in self.layouts.items() if layout])
        status = self.chance.choice((NotificationStatus.COMPLETED, NotificationStatus.PAUSED))
        self.deps.notifications.update(TENANT_ID, name, lambda stored: replace(stored, status=status))

    def tally(self) -> None:
        tally_notifications(self.deps, TENANT_ID, "request-1")

    def recompute(self) -> None:
        recompute_day(self.deps, TENANT_ID, TODAY - timedelta(days=self.chance.randrange(2)), "request-1")

    def begin_tally(self) -> None:
        """A call reads a page and is slow, or dies before its commit."""
        found = self.deps.analytics.find_untallied(TENANT_ID, self.chance.randrange(1, 5))
        self.late.append([decide_tally(one, self._present(one.notification.id)) for one in found])

    def end_tally(self) -> None:
        """A slow call commits, once or twice."""
        if tallies := self.late and self.chance.choice(self.late):
            for _ in range(self.chance.choice((1, 2))):
                self.deps.analytics.tally(tallies)

    def _present(self, name: str) -> Mapping[str | None, Amounts]:
        notification = self.deps.notifications.get(TENANT_ID, name)
        assert notification is not None
        if notification.layout is None:
            return contributions_of(notification, notification.counts, notification.platforms)
        sums = self.deps.progress.read_progress(notification).total
        return contributions_of(notification, sums.counts, sums.platforms)

    def finish(self) -> None:
        """Everything that a dead call has left is taken over and ends, and the rollup's tick comes twice."""
        for name, layout in self.layouts.items():
            for number in range(CHUNKS if layout else 1):
                self._finish(ChunkKey(TENANT_ID, name, number), layout)
        for _ in range(2):
            self.tally()

    def _finish(self, key: ChunkKey, layout: Layout | None) -> None:
        [chunk] = self.deps.chunks.get_many([key])
        if chunk is None:
            return
        ended = replace(chunk, state=ChunkState.DONE)
        if layout is None:
            self._conclude(key.notification_id, ended, ended.results)
        else:
            self._go_on(key.notification_id)
            self.deps.progress.conclude(ended, part_of(layout, key.number))

    def ledger(self) -> set[Row]:
        """What the results of all chunks come to."""
        rows = []
        for name, layout in self.layouts.items():
            stored = self.deps.notifications.get(TENANT_ID, name)
            assert stored is not None
            keys = [ChunkKey(TENANT_ID, name, number) for number in range(CHUNKS if layout else 1)]
            for result in (result for chunk in self.deps.chunks.get_many(keys) if chunk for result in chunk.results.values()):
                platform = result.platform.value if result.platform else None
                amounts = Amounts(int(result.outcome is Outcome.SENT), int(result.outcome is Outcome.FAILED))
                rows.append(Row(RowKey(stored.created_at.date(), stored.client_id, stored.topic, platform), amounts))
        return set(merge_rows(rows))

    def counted(self) -> set[Row]:
        """What the rows say."""
        return {row for row in self.deps.analytics.rows(TENANT_ID, TODAY - timedelta(days=1), TODAY, EVERY_ROW, 99) if row.amounts}

    def totals(self) -> set[Row]:
        """What the totals of the days say."""
        return {row for row in self.deps.analytics.totals(TENANT_ID, TODAY - timedelta(days=1), TODAY) if row.amounts}


def _result(chance: Random) -> Result:
    outcome = chance.choice(tuple(Outcome))
    return Result(outcome, "CODE", 200, 1, chance.choice(WHERE), due_at=NOW if outcome is Outcome.RETRYING else None)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32), st.integers(0, 60))
def test_rows_equal_the_ledger_after_any_history(seed: int, length: int) -> None:
    world = _World(seed)
    for _ in range(length):
        world.happen()
    world.finish()
    assert world.counted() == world.ledger()
    assert world.totals() == set(day_rows(world.ledger()))


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32), st.integers(0, 40))
def test_spoilt_rows_are_recomputed_to_what_the_increments_were(seed: int, length: int) -> None:
    world = _World(seed)
    for _ in range(length):
        world.happen()
    world.finish()
    wrong = [Row(RowKey(TODAY, "client-1", "news", "android"), Amounts(world.chance.randrange(-3, 4), 2)), Row(RowKey(TODAY, "client-9"), Amounts(1))]
    world.deps.analytics.add(TENANT_ID, "wrong", wrong, NOW)
    recompute_day(world.deps, TENANT_ID, TODAY, "request-1")
    assert world.counted() == world.ledger()
    assert world.totals() == set(day_rows(world.ledger()))
