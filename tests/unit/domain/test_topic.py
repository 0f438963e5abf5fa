from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from fanfare.domain.errors import Conflict
from fanfare.domain.topic import (
    DELETE_AFTER,
    MOST_NAME_BYTES,
    MOST_TOPICS,
    Topic,
    TopicState,
    begin_deletion,
    create_again,
    end_deletion,
    has_room,
    is_topic_name,
)
from tests.factories import NOW

TOPIC = Topic("news", created_at=NOW, updated_at=NOW)
DELETING = replace(TOPIC, state=TopicState.DELETING, check_at=NOW + DELETE_AFTER)
DELETED = replace(TOPIC, state=TopicState.DELETED)
LATER = NOW + timedelta(hours=1)


@pytest.mark.parametrize("name", ["news", "a.b~c%20d_e-f", "...", "__x", "x__", "x" * 900])
def test_names_of_topics(name: str) -> None:
    assert is_topic_name(name)


@pytest.mark.parametrize("name", ["", ".", "..", "__x__", "____", "a b", "a/b", "ä", "news\n", "x" * 901])
def test_what_fcm_or_a_path_does_not_take_is_no_name(name: str) -> None:
    assert not is_topic_name(name)


def test_a_deleted_topic_may_be_created_anew_and_no_other() -> None:
    new = replace(TOPIC, created_at=LATER)
    assert create_again(DELETED, new) is new
    with pytest.raises(Conflict, match="There is a topic"):
        create_again(TOPIC, new)
    with pytest.raises(Conflict, match="being deleted"):
        create_again(DELETING, new)


def test_deletion_begins_once() -> None:
    begun = begin_deletion(TOPIC, LATER)
    assert begun == replace(TOPIC, state=TopicState.DELETING, updated_at=LATER, check_at=LATER + DELETE_AFTER)
    assert begin_deletion(DELETING, LATER) is None
    assert begin_deletion(DELETED, LATER) is None


def test_deletion_ends_when_nobody_can_come_any_more() -> None:
    assert end_deletion(DELETING, NOW + DELETE_AFTER - timedelta(seconds=1)) is None
    assert end_deletion(DELETING, NOW + DELETE_AFTER) == replace(DELETED, updated_at=NOW + DELETE_AFTER)
    for other in (TOPIC, DELETED, replace(DELETING, check_at=None)):
        assert end_deletion(other, LATER) is None


def test_only_an_active_topic_can_be_used() -> None:
    assert [topic.is_active for topic in (TOPIC, DELETING, DELETED)] == [True, False, False]


def test_room_is_bounded_by_number_and_by_length_of_names() -> None:
    many = [str(number) for number in range(MOST_TOPICS)]
    assert has_room(many[1:], "one-more")
    assert not has_room(many, "one-more")
    assert has_room(many, many[0])
    long = "x" * 900
    assert not has_room([f"{number}{long}"[:900] for number in range(MOST_NAME_BYTES // 900)], long)
    assert not has_room([], "x" * 11, 10)
