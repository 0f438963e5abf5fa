from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from fanfare.domain.following import end_topics_check, follow_topic, unfollow_topic
from fanfare.domain.spreading import SETTLE_AFTER
from tests.factories import NOW, a_profile

DELETED = a_profile(deleted_at=NOW, topics=("news",))


def test_each_change_is_a_later_state_that_is_looked_after() -> None:
    followed = follow_topic(a_profile(topics=("sport",)), "news", NOW)
    assert followed is not None
    assert (followed.topics, followed.spread.version, followed.topics_check_at) == (("news", "sport"), 1, NOW + SETTLE_AFTER)
    left = unfollow_topic(followed, "sport", NOW)
    assert left is not None
    assert (left.topics, left.spread.version) == (("news",), 2)


def test_what_changes_nothing_is_no_change() -> None:
    assert follow_topic(a_profile(topics=("news",)), "news", NOW) is None
    assert unfollow_topic(a_profile(), "news", NOW) is None


def test_deleted_profile_can_only_leave() -> None:
    assert follow_topic(DELETED, "sport", NOW) is None
    left = unfollow_topic(DELETED, "news", NOW)
    assert left is not None
    assert left.topics == ()


def test_a_check_ends_unless_the_topics_changed_since() -> None:
    seen = a_profile(topics=("news",), topics_check_at=NOW)
    assert end_topics_check(seen, seen) == replace(seen, topics_check_at=None)
    assert end_topics_check(seen, replace(seen, topics_check_at=NOW + timedelta(seconds=1))) is None
    assert end_topics_check(replace(seen, topics_check_at=None), replace(seen, topics_check_at=None)) is None
