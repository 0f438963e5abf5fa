"""What every progress store does: the ends of chunks of many, the sums that they add to, and the end of the notification."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from fanfare.domain.audit import AuditEntry
from fanfare.domain.broadcast_progress import NOTHING, Part, Progress, Sums
from fanfare.domain.broadcast_steering import complete_broadcast
from fanfare.domain.call import Actor, ActorKind
from fanfare.domain.chunk import Busy, Chunk, ChunkKey, ChunkState, Finished, Take, new_claim
from fanfare.domain.dead_letter import dead_letter_of, plan_replay
from fanfare.domain.layout import Layout, Source
from fanfare.domain.message import Platform
from fanfare.domain.notification import Counts, Notification, NotificationStatus
from fanfare.domain.outcome import Outcome, Result, count
from tests.contract.stores.racing import race
from tests.contract.stores.real import Stores
from tests.factories import NOW, a_notification, a_recipient

ID = "notification-1"
PART = Part(0, 0)
SENT = Result(Outcome.SENT, "projects/acme-app/messages/1", 200, 1, Platform.ANDROID)
GONE = Result(Outcome.FAILED, "UNREGISTERED", 404, 1, Platform.IOS)
BAD_KEY = Result(Outcome.FAILED, "THIRD_PARTY_AUTH_ERROR", 401, 1, Platform.WEB, dead_letter=True)
RETRYING = Result(Outcome.RETRYING, "UNAVAILABLE", 503, 1, Platform.ANDROID, due_at=NOW + timedelta(seconds=10), since=NOW)
UNSENT = Result(Outcome.UNSENT, "", 0, 0, Platform.ANDROID)
AUDIT = AuditEntry("notification.retried", Actor(ActorKind.CLIENT, "client-1"), NOW, (ID,))


def _key(number: int = 0) -> ChunkKey:
    return ChunkKey("acme", ID, number)


def _many(chunks: int = 40, stages: tuple[int, ...] = ()) -> Notification:
    layout = Layout(Source.RECIPIENTS, None, stages or (chunks,))
    return a_notification(status=NotificationStatus.SENDING, layout=layout, chunk_count=chunks, counts=Counts(chunks, unsent=chunks))


@pytest.fixture
def accepted(stores: Stores, tenant: str) -> Stores:
    """A notification of forty chunks."""
    assert tenant == "acme"
    stores.notifications.accept(_many(), [a_recipient()])
    return stores


def _claim(stores: Stores, number: int = 0, after: timedelta = timedelta(0), take: Take = Take.DUE) -> Chunk:
    chunk = stores.chunks.claim(_key(number), f"owner-{after}", NOW + after, take=take)
    assert isinstance(chunk, Chunk)
    return chunk


def _with(chunk: Chunk, state: ChunkState, results: Mapping[str, Result]) -> Chunk:
    return replace(chunk, state=state, results=results, counts=count(results.values(), len(results)), next_check_at=None, due_at=None)


def _progress(stores: Stores) -> Progress:
    return stores.progress.read_progress(_stored(stores))


def _stored(stores: Stores) -> Notification:
    found = stores.notifications.get("acme", ID)
    assert found is not None
    return found


def test_end_of_a_chunk_is_stored_with_what_it_adds(accepted: Stores) -> None:
    chunk = _with(_claim(accepted), ChunkState.DONE, {"a": SENT, "b": GONE, "c": BAD_KEY})
    assert accepted.progress.conclude(chunk, PART) == 1
    expected = Sums(
        1,
        Counts(3, sent=1, failed=2),
        {"UNREGISTERED": 1, "THIRD_PARTY_AUTH_ERROR": 1},
        {"android": {"sent": 1}, "ios": {"failed": 1}, "web": {"failed": 1}},
    )
    assert _progress(accepted) == Progress((expected,))
    [stored] = accepted.chunks.get_many([_key()])
    assert stored is not None
    assert (stored.state, dict(stored.results), stored.counted) == (ChunkState.DONE, dict(chunk.results), expected)


def test_chunks_of_a_part_add_up_and_each_is_told_how_many_are_final(accepted: Stores) -> None:
    ends = [accepted.progress.conclude(_with(_claim(accepted, number), ChunkState.DONE, {"a": SENT}), PART) for number in (0, 16, 32)]
    assert ends == [1, 2, 3]
    assert _progress(accepted).total.counts == Counts(3, sent=3)


def test_chunk_that_is_not_final_is_counted_and_not_done(accepted: Stores) -> None:
    assert accepted.progress.conclude(_with(_claim(accepted), ChunkState.RETRYING, {"a": SENT, "b": RETRYING}), PART) == 0
    assert _progress(accepted).total == Sums(0, Counts(2, sent=1, retrying=1), {}, {"android": {"sent": 1}})


def test_later_pass_adds_the_difference_alone(accepted: Stores) -> None:
    accepted.progress.conclude(_with(_claim(accepted), ChunkState.RETRYING, {"a": SENT, "b": RETRYING, "c": UNSENT}), PART)
    again = _claim(accepted, after=timedelta(minutes=1))
    assert accepted.progress.conclude(_with(again, ChunkState.DONE, {"a": SENT, "b": GONE, "c": SENT}), PART) == 1
    assert _progress(accepted).total == Sums(1, Counts(3, sent=2, failed=1), {"UNREGISTERED": 1}, {"android": {"sent": 2}, "ios": {"failed": 1}})


def test_checkpoint_leaves_the_sums_and_what_was_counted_alone(accepted: Stores) -> None:
    saved = accepted.chunks.save_chunk(_with(_claim(accepted), ChunkState.CLAIMED, {"a": SENT}))
    assert saved is not None
    assert _progress(accepted).total == NOTHING
    assert accepted.progress.conclude(_with(saved, ChunkState.DONE, {"a": SENT, "b": SENT}), PART) == 1
    assert _progress(accepted).total.counts == Counts(2, sent=2)


@pytest.mark.parametrize("code", ["with.dot", "with space", "`quoted`", "slash/and\\back", "Ünïcode", "0", "__name"])
def test_error_code_of_unusual_characters_is_counted(accepted: Stores, code: str) -> None:
    failed = GONE._replace(detail=code)
    accepted.progress.conclude(_with(_claim(accepted), ChunkState.DONE, {"a": failed}), PART)
    accepted.progress.conclude(_with(_claim(accepted, 16), ChunkState.DONE, {"a": failed, "b": failed}), PART)
    assert _progress(accepted).total.errors == {code: 3}


def test_lost_claim_stores_and_adds_nothing(accepted: Stores) -> None:
    first = _claim(accepted)
    _claim(accepted, after=timedelta(minutes=1))
    assert accepted.progress.conclude(_with(first, ChunkState.DONE, {"a": SENT}), PART) is None
    assert _progress(accepted).total == NOTHING


def test_end_is_stored_although_a_checkpoint_came_late(accepted: Stores) -> None:
    chunk = _claim(accepted)
    accepted.chunks.save_chunk(_with(chunk, ChunkState.CLAIMED, {"a": SENT}))
    assert accepted.progress.conclude(_with(chunk, ChunkState.DONE, {"a": SENT}), PART) == 1
    assert _progress(accepted).total.counts == Counts(1, sent=1)


def test_dead_letter_is_stored_with_the_end_and_found_by_its_notification(accepted: Stores) -> None:
    ended = {number: _with(_claim(accepted, number), ChunkState.DONE, {"a": BAD_KEY}) for number in (0, 2, 10)}
    letters = {number: dead_letter_of(chunk, NOW) for number, chunk in ended.items()}
    for number, chunk in ended.items():
        accepted.progress.conclude(chunk, Part(0, number), letters[number])
    page = accepted.notifications.find_dead_letters("acme", ID, 2, None)
    rest = accepted.notifications.find_dead_letters("acme", ID, 2, page.next_after)
    assert [*page.items, *rest.items] == [letters[0], letters[10], letters[2]]
    assert rest.next_after is None
    assert accepted.notifications.find_dead_letters("acme", "notification", 9, None).items == []


def test_chunk_that_nobody_began_is_created_as_it_ends(accepted: Stores) -> None:
    fresh = _with(new_claim(_key(), "owner-1", NOW, NOW), ChunkState.CANCELLED, {"a": UNSENT})
    assert accepted.progress.create_ended(fresh, PART) == 1
    assert accepted.progress.create_ended(fresh, PART) is None
    assert _progress(accepted).total == Sums(1, Counts(1, unsent=1))
    assert accepted.chunks.claim(_key(), "owner-2", NOW, take=Take.ALL) == Finished()


def test_claimed_chunk_is_not_created_again(accepted: Stores) -> None:
    _claim(accepted)
    assert accepted.progress.create_ended(_with(new_claim(_key(), "owner-2", NOW), ChunkState.DONE, {}), PART) is None
    assert _progress(accepted).total == NOTHING


def test_first_claim_notes_when_its_life_begins_and_a_later_one_does_not(accepted: Stores) -> None:
    slot = NOW + timedelta(minutes=5)
    chunk = accepted.chunks.claim(_key(), "owner-1", NOW, slot)
    later = accepted.chunks.claim(_key(), "owner-2", NOW + timedelta(minutes=1), NOW)
    assert isinstance(chunk, Chunk)
    assert isinstance(later, Chunk)
    assert (chunk.planned_at, later.planned_at) == (slot, slot)


@pytest.mark.parametrize(("state", "take", "is_taken"), [
    (ChunkState.HELD, Take.DUE, False), (ChunkState.HELD, Take.HELD, True), (ChunkState.HELD, Take.ALL, True),
    (ChunkState.RETRYING, Take.HELD, False), (ChunkState.RETRYING, Take.ALL, True), (ChunkState.DONE, Take.ALL, False),
])  # fmt: skip
def test_claim_takes_what_it_may(accepted: Stores, state: ChunkState, take: Take, is_taken: bool) -> None:  # noqa: FBT001
    chunk = replace(_claim(accepted), state=state, due_at=NOW + timedelta(hours=1), next_check_at=None)
    accepted.progress.conclude(chunk, PART)
    claim = accepted.chunks.claim(_key(), "owner-2", NOW + timedelta(minutes=1), take=take)
    assert isinstance(claim, Chunk) == is_taken
    assert not isinstance(claim, Busy)


def test_racing_ends_of_chunks_are_all_counted(accepted: Stores) -> None:
    chunks = [_with(_claim(accepted, number), ChunkState.DONE, {"a": SENT}) for number in (0, 16, 32)]
    ends = race([lambda chunk=chunk: accepted.progress.conclude(chunk, PART) for chunk in chunks])
    assert sorted(end or 0 for end in ends) == [1, 2, 3], "each is told another number, so that one of them is the last"


def test_stages_and_notifications_are_counted_apart(stores: Stores, tenant: str) -> None:
    stores.notifications.accept(_many(40, stages=(20, 40)), [a_recipient()])
    stores.notifications.accept(replace(_many(), id="notification-2"), [a_recipient()])
    stores.progress.conclude(_with(_claim(stores, 3), ChunkState.DONE, {"a": SENT}), Part(0, 3))
    stores.progress.conclude(_with(_claim(stores, 30), ChunkState.DONE, {"a": GONE}), Part(1, 14))
    progress = _progress(stores)
    assert [stage.counts for stage in progress.stages] == [Counts(1, sent=1), Counts(1, failed=1)]
    other = stores.notifications.get(tenant, "notification-2")
    assert other is not None
    both = stores.progress.recent_progress([other, _stored(stores)])
    assert both == [Progress((NOTHING,)), progress]


def test_progress_shown_may_be_a_second_old(accepted: Stores) -> None:
    [before] = accepted.progress.recent_progress([_stored(accepted)])
    accepted.progress.conclude(_with(_claim(accepted), ChunkState.DONE, {"a": SENT}), PART)
    accepted.clock.advance(timedelta(seconds=1))
    [after] = accepted.progress.recent_progress([_stored(accepted)])
    assert (before.total, after.total.counts) == (NOTHING, Counts(1, sent=1))


def test_ends_of_parts_are_counted_by_stage(accepted: Stores) -> None:
    noted = [accepted.progress.note_ended("acme", ID, stage) for stage in (0, 0, 1, 0)]
    assert noted == [1, 2, 1, 3]
    assert _stored(accepted) == _many(), "nothing else of it has changed"


def test_notification_is_settled_by_its_sums(stores: Stores, tenant: str) -> None:
    stores.notifications.accept(_many(1), [a_recipient()])
    unsettled = stores.progress.settle(tenant, ID, lambda stored, progress: complete_broadcast(stored, progress, NOW))
    assert unsettled == _many(1)
    stores.progress.conclude(_with(_claim(stores), ChunkState.DONE, {"a": SENT, "b": GONE}), PART)
    ended = stores.progress.settle(tenant, ID, lambda stored, progress: complete_broadcast(stored, progress, NOW))
    assert ended == _stored(stores)
    assert (ended.status, ended.counts, ended.errors) == (NotificationStatus.COMPLETED, Counts(2, sent=1, failed=1), {"UNREGISTERED": 1})
    assert stores.progress.settle(tenant, "nothing", lambda *_: None) is None


def test_settling_that_lost_a_race_decides_anew(stores: Stores, tenant: str) -> None:
    stores.notifications.accept(_many(1), [a_recipient()])
    stores.progress.conclude(_with(_claim(stores), ChunkState.DONE, {"a": SENT}), PART)
    seen: list[str | None] = []

    def decide(stored: Notification, progress: Progress) -> Notification | None:
        if not seen:
            stores.notifications.update(tenant, ID, lambda found: replace(found, status_reason="meanwhile"))
        seen.append(stored.status_reason)
        return complete_broadcast(stored, progress, NOW)

    assert stores.progress.settle(tenant, ID, decide) is not None
    assert seen == [None, "meanwhile"]


def _failed(stores: Stores) -> list[Chunk]:
    """Two ended chunks with dead letters, as they are stored."""
    for number in (0, 16):
        chunk = _with(_claim(stores, number), ChunkState.DONE, {"a": SENT, "b": BAD_KEY})
        stores.progress.conclude(chunk, PART, dead_letter_of(chunk, NOW))
    return [chunk for chunk in stores.chunks.get_many([_key(0), _key(16)]) if chunk is not None]


def test_replay_takes_back_what_had_been_counted(accepted: Stores) -> None:
    plans = [plan_replay(chunk, _stored(accepted), NOW) for chunk in _failed(accepted)]
    letters = [replace(letter, replayed_at=NOW) for letter in accepted.notifications.find_dead_letters("acme", ID, 9, None).items]
    again = replace(_stored(accepted), status_reason="replayed")
    assert accepted.progress.replay(again, [plan.chunk for plan in plans if plan], letters, AUDIT)
    assert _progress(accepted).total == Sums(0, Counts(4, sent=2, retrying=2), {}, {"android": {"sent": 2}})
    assert accepted.notifications.find_dead_letters("acme", ID, 9, None).items == letters
    assert _stored(accepted).status_reason == "replayed"


def test_replay_is_refused_whole_if_its_notification_or_a_chunk_has_changed(accepted: Stores) -> None:
    chunks = _failed(accepted)
    before, read = _progress(accepted), _stored(accepted)
    plans = [plan.chunk for plan in (plan_replay(chunk, read, NOW) for chunk in chunks) if plan]
    accepted.notifications.update("acme", ID, lambda stored: replace(stored, status_reason="meanwhile"))
    assert not accepted.progress.replay(read, plans, [], AUDIT)
    fresh = _stored(accepted)
    assert accepted.progress.replay(fresh, plans[:1], [], AUDIT)
    assert not accepted.progress.replay(_stored(accepted), plans, [], AUDIT)
    assert before.total.done - _progress(accepted).total.done == 1


def test_notification_is_updated_with_its_audit_entry(accepted: Stores) -> None:
    noted = accepted.notifications.update(
        "acme", ID, lambda stored: replace(stored, refused={"android/token/": "INVALID_ARGUMENT"}, paused=True), lambda *_: AUDIT
    )
    assert noted == _stored(accepted)
    assert noted.refused == {"android/token/": "INVALID_ARGUMENT"}
    assert accepted.notifications.update("acme", ID, lambda _: None) == noted
    assert accepted.notifications.update("acme", "nothing", lambda stored: stored) is None
