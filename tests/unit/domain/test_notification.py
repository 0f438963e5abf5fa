"""What a new notification has."""

from __future__ import annotations

from fanfare.domain.notification import Counts
from fanfare.domain.wording import wording_of
from tests.factories import a_notification
from tests.templates import a_template


def test_counts_begin_at_nothing() -> None:
    assert Counts() == Counts(0, 0, 0, 0, 0, 0, 0)


def test_notification_has_one_chunk_and_no_failures_until_told_otherwise() -> None:
    notification = a_notification()
    assert (notification.chunk_count, dict(notification.errors), notification.usernames) == (1, {}, ())
    assert (notification.paused, notification.profile_ids, notification.topic, notification.schedule_id) == (False, (), None, None)


def test_template_is_the_one_that_words_it() -> None:
    assert a_notification().template is None
    assert a_notification(wording=wording_of(a_template(name="order"), {}, {})).template == "order"
