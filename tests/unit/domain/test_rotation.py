"""The end of a client's tokens: by rotation, by time, by revocation."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfare.domain.client import hash_token, refusal_of
from fanfare.domain.errors import Conflict, Forbidden
from fanfare.domain.refusal import RefusalReason
from fanfare.domain.rotation import (
    Rotation,
    announced_end,
    check_present_token,
    is_repeat,
    is_use_news,
    reissued,
    revoked,
    rotated,
    token_expires_at,
)
from tests.factories import NOW, a_client, client_token

DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
OLD, NEW = client_token(), "client-1.new"
ROTATION = Rotation(hash_token(NEW), DAY, "rotation-1")


def test_both_tokens_open_during_the_overlap_and_the_new_one_afterwards() -> None:
    client = rotated(a_client(), ROTATION, NOW)
    assert [refusal_of(client, token, "", NOW + DAY - SECOND) for token in (OLD, NEW)] == [None, None]
    assert [refusal_of(client, token, "", NOW + DAY) for token in (OLD, NEW)] == [RefusalReason.GRACE_OVER, None]


def test_rotation_without_an_overlap_ends_the_old_token_at_once() -> None:
    client = rotated(a_client(), replace(ROTATION, overlap=timedelta(0)), NOW)
    assert [refusal_of(client, token, "", NOW) for token in (OLD, NEW)] == [RefusalReason.WRONG_TOKEN, None]


def test_second_rotation_within_the_overlap_ends_the_oldest_token() -> None:
    client = rotated(rotated(a_client(), ROTATION, NOW), Rotation(hash_token("client-1.third"), DAY), NOW)
    assert [refusal_of(client, token, "", NOW) for token in (OLD, NEW, "client-1.third")] == [RefusalReason.WRONG_TOKEN, None, None]


@given(st.integers(0, 7 * 86_400), st.integers(1, 90 * 86_400), st.integers(0, 100 * 86_400), st.none() | st.integers(1, 365))
def test_no_rotation_makes_the_old_token_live_longer(overlap: int, lives: int, later: int, days: int | None) -> None:
    before = a_client(expires_at=NOW + lives * SECOND, auto_rotate_days=days)
    after = rotated(before, replace(ROTATION, overlap=overlap * SECOND), NOW)
    at = NOW + later * SECOND
    if refusal_of(before, OLD, "", at) is not None:
        assert refusal_of(after, OLD, "", at) is not None


def test_automatic_rotation_gives_another_life_and_any_other_does_not() -> None:
    assert rotated(a_client(auto_rotate_days=30, expires_at=NOW + DAY), ROTATION, NOW).expires_at == NOW + 30 * DAY
    assert rotated(a_client(expires_at=NOW + DAY), ROTATION, NOW).expires_at == NOW + DAY


def test_client_that_missed_its_rotation_is_opened_by_its_new_token_alone() -> None:
    client = rotated(a_client(auto_rotate_days=30, expires_at=NOW - DAY), ROTATION, NOW)
    assert [refusal_of(client, token, "", NOW) for token in (OLD, NEW)] == [RefusalReason.WRONG_TOKEN, None]


@pytest.mark.parametrize("fields", [{"revoked_at": NOW}, {"expires_at": NOW}])
def test_token_that_would_open_nothing_is_not_made(fields: dict[str, Any]) -> None:
    with pytest.raises(Conflict):
        rotated(a_client(**fields), ROTATION, NOW)


def test_repeat_of_a_rotation_whose_answer_was_lost_gets_another_token_and_changes_nothing_else() -> None:
    first = rotated(a_client(), ROTATION, NOW)
    repeat = replace(ROTATION, token_hash=hash_token("client-1.again"))
    assert is_repeat(first, repeat, NOW + SECOND)
    assert reissued(first, repeat) == replace(first, token_hash=hash_token("client-1.again"))


@pytest.mark.parametrize(
    ("fields", "rotation", "at"),
    [
        ({}, replace(ROTATION, id="rotation-2"), NOW),
        ({}, replace(ROTATION, id=None), NOW),
        ({"rotation_id": None}, replace(ROTATION, id=None), NOW),
        ({}, ROTATION, NOW + DAY),
        ({"previous_valid_until": None}, ROTATION, NOW),
        ({"revoked_at": NOW}, ROTATION, NOW),
    ],
)
def test_another_request_is_no_repeat(fields: dict[str, Any], rotation: Rotation, at: datetime) -> None:
    assert not is_repeat(replace(rotated(a_client(), ROTATION, NOW), **fields), rotation, at)


def test_token_that_was_rotated_out_does_not_rotate() -> None:
    client = rotated(a_client(), ROTATION, NOW)
    check_present_token(client, NEW)
    with pytest.raises(Forbidden):
        check_present_token(client, OLD)


def test_revocation_is_for_ever_and_keeps_its_time() -> None:
    client = revoked(a_client(), NOW)
    assert client == a_client(revoked_at=NOW)
    assert revoked(a_client(revoked_at=NOW - DAY), NOW) is None


# What is told of an end


def test_each_token_has_its_own_end() -> None:
    client = rotated(a_client(expires_at=NOW + 90 * DAY), ROTATION, NOW)
    assert token_expires_at(client, OLD) == NOW + DAY
    assert token_expires_at(client, NEW) == NOW + 90 * DAY
    assert token_expires_at(a_client(), OLD) is None


def test_end_is_announced_from_fourteen_days_before_it() -> None:
    client = a_client(expires_at=NOW + 15 * DAY)
    assert announced_end(client, OLD, NOW) is None
    assert announced_end(client, OLD, NOW + DAY) == NOW + 15 * DAY
    assert announced_end(a_client(), OLD, NOW) is None


@pytest.mark.parametrize(("last", "expected"), [(None, True), (NOW - DAY, True), (NOW, False), (NOW - timedelta(hours=8), False)])
def test_use_is_news_once_a_day(last: datetime | None, *, expected: bool) -> None:
    assert is_use_news(a_client(last_used_at=last), NOW) is expected
