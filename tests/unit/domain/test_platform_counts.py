"""A notification of one chunk is stored with what of it was sent and failed on each platform, whatever changes its counts."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from fanfare.domain.chunk import ChunkKey, ChunkState, new_claim
from fanfare.domain.dead_letter import plan_replay
from fanfare.domain.delivery import plan_chunk, plan_without_recipients
from fanfare.domain.message import Platform
from fanfare.domain.notification import Counts
from fanfare.domain.outcome import Outcome, Result, count
from fanfare.domain.steering import decide_cancel, decide_pause
from tests.factories import NOW, TENANT_ID, a_notification, a_recipient

SENT = Result(Outcome.SENT, "message-1", 200, 1, Platform.ANDROID)
MENDABLE = Result(Outcome.FAILED, "THIRD_PARTY_AUTH_ERROR", 401, 1, Platform.IOS, dead_letter=True)
WAITING = Result(Outcome.RETRYING, "UNAVAILABLE", 503, 1, Platform.WEB, due_at=NOW + timedelta(seconds=10), since=NOW)
RESULTS = {"a": SENT, "b": MENDABLE, "c": WAITING}
NOTIFICATION = a_notification(counts=Counts(3, unsent=3), platforms={"android": {"sent": 9}})
CHUNK = replace(new_claim(ChunkKey(TENANT_ID, "notification-1", 0), "owner-1", NOW), results=RESULTS, counts=count(RESULTS.values(), 3))
SPLIT = {"android": {"sent": 1}, "ios": {"failed": 1}}


def test_end_of_a_pass_splits_by_platform() -> None:
    rows = [a_recipient(device_id=name) for name in RESULTS]
    assert plan_chunk(NOTIFICATION, CHUNK, rows, RESULTS, NOW, None).notification.platforms == SPLIT


def test_chunk_whose_recipients_are_gone_fails_on_their_platforms() -> None:
    assert plan_without_recipients(NOTIFICATION, CHUNK, NOW).notification.platforms == {**SPLIT, "web": {"failed": 1}}


def test_cancel_and_pause_split_by_platform() -> None:
    waiting = replace(CHUNK, state=ChunkState.RETRYING, lease_until=NOW, due_at=NOW)
    for decide in (decide_cancel, decide_pause):
        steered = decide(NOTIFICATION, waiting, NOW + timedelta(minutes=1))
        assert steered is not None
        assert steered.notification.platforms == SPLIT


def test_replay_takes_back_what_had_failed() -> None:
    done = replace(CHUNK, state=ChunkState.DONE, results={"a": SENT, "b": MENDABLE}, counts=Counts(2, sent=1, failed=1))
    replay = plan_replay(done, NOTIFICATION, NOW)
    assert replay is not None
    assert replay.notification.platforms == {"android": {"sent": 1}}
