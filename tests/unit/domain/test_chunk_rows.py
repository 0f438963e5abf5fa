"""Whom a chunk over an audience shard is sent to, while the shard changes."""

from __future__ import annotations

from datetime import timedelta

from fanfare.domain.chunk_rows import LEFT_AUDIENCE, Rows, is_of_audience, recipients_of, with_unreached, without_those_who_left
from fanfare.domain.layout import Layout, Source
from fanfare.domain.message import Platform
from fanfare.domain.outcome import Outcome, Result
from fanfare.domain.recipient import recipient_of
from fanfare.domain.shard import Shard, pack_shard, row_of, unpack_shard
from tests.factories import NOW, a_device, a_notification, a_recipient

DEVICES = [a_device(id="a"), a_device(id="b", platform=Platform.IOS), a_device(id="c")]
AUDIENCE = a_notification(layout=Layout(Source.AUDIENCE, 1, (1,)), request={"to": {"segment": {"platform": ["android"]}}})
SENT = Result(Outcome.SENT, "m/1", 200, 1, Platform.ANDROID)
RETRYING = Result(Outcome.RETRYING, "UNAVAILABLE", 503, 2, Platform.ANDROID, "alice", NOW + timedelta(seconds=10), NOW)


def _shard(*ids: str) -> Shard:
    return unpack_shard(pack_shard(row_of(device) for device in DEVICES if device.id in ids))


def test_rows_of_its_own_are_sent_to_as_they_are() -> None:
    rows = (a_recipient(device_id="x"),)
    assert recipients_of(a_notification(), Rows(rows), {"y": SENT}) == rows
    assert not is_of_audience(a_notification(layout=Layout(Source.RECIPIENTS, None, (1,))))


def test_first_pass_goes_to_whoever_matches() -> None:
    assert recipients_of(AUDIENCE, Rows(shards=(_shard("a", "b"), _shard("c"))), {}) == (recipient_of(DEVICES[0]), recipient_of(DEVICES[2]))
    assert is_of_audience(AUDIENCE)


def test_later_pass_goes_to_its_recipients_whether_they_match_now_or_not() -> None:
    found = recipients_of(AUDIENCE, Rows(shards=(_shard("a", "b", "c"),)), {"b": RETRYING, "gone": RETRYING})
    assert [row.device_id for row in found] == ["b"]


def test_who_left_before_an_outcome_has_failed() -> None:
    results = {"a": RETRYING, "b": RETRYING, "c": SENT}
    after = without_those_who_left([recipient_of(DEVICES[0])], results)
    assert (after["a"], after["c"]) == (RETRYING, SENT)
    assert after["b"] == Result(Outcome.FAILED, LEFT_AUDIENCE, 0, 2, Platform.ANDROID, "alice")


def test_who_was_not_reached_is_unsent() -> None:
    stored = with_unreached([recipient_of(device) for device in DEVICES], {"a": SENT})
    assert stored["a"] == SENT
    assert {device_id: (result.outcome, result.platform) for device_id, result in stored.items() if device_id != "a"} == {
        "b": (Outcome.UNSENT, Platform.IOS), "c": (Outcome.UNSENT, Platform.ANDROID),
    }  # fmt: skip
