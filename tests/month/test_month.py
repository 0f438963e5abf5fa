"""A month of a small tenant, with calls that die and calls that come twice (`make simulate-month` has ten thousand devices)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from fanfare.domain.keepalive import PING_TYPE
from tests.factories import TENANT_ID
from tests.month.checks import check_cleanup, check_month, check_pings, check_rollup, check_schedules
from tests.month.ledger import Ledger, Post
from tests.month.run import run_month
from tests.month.world import World, a_world


@pytest.fixture(scope="module")
def month() -> World:
    """Two dozen devices: two in each zone."""
    world = a_world(24, seed=1, crashed=0.02, doubled=0.02)
    run_month(world)
    return world


def test_month_holds_what_was_promised(month: World) -> None:
    figures = check_month(month)
    assert month.cloud.figures["crashed"] > 50
    assert month.cloud.figures["doubled"] > 50
    assert figures["refused by FCM"]
    assert figures["of these removed"]
    assert figures["devices removed"]


def test_checks_see_a_second_ping_on_a_day(month: World) -> None:
    ping = next(post for post in month.ledger.posts if post.says == PING_TYPE)
    with pytest.raises(AssertionError, match="at most one a day"):
        check_pings(_with(month, [*month.ledger.posts, ping]))


def test_checks_see_a_ping_after_a_week_of_silence(month: World) -> None:
    device, replies = next(iter(month.replies.items()))
    last = max(post for post in month.ledger.posts if (post.says, post.device_id) == (PING_TYPE, device))
    month.replies[device] = [at for at in replies if at < last.at - timedelta(days=8)]
    with pytest.raises(AssertionError, match="silent for more than a week"):
        check_pings(month)
    month.replies[device] = replies


def test_checks_see_an_occurrence_that_is_lost_doubled_or_late(month: World) -> None:
    posts = month.ledger.posts
    one = next(post for post in posts if post.says == "mornings")
    others = [post for post in posts if post is not one]
    for wrong in (others, [*posts, one], [*others, one._replace(at=one.at + timedelta(hours=1))]):
        with pytest.raises(AssertionError):
            check_schedules(_with(month, sorted(wrong)))


def test_checks_see_a_row_that_is_not_what_fcm_did(month: World) -> None:
    with pytest.raises(AssertionError):
        check_rollup(_with(month, month.ledger.posts[1:]))


def test_checks_see_what_is_gone_too_early(month: World) -> None:
    told = month.ledger.posts[-1]
    ended = month.deps.notifications.get(TENANT_ID, told.notification_id)
    assert ended is not None
    with pytest.raises(AssertionError, match="younger is there"):
        check_cleanup(_with(month, [*month.ledger.posts, told._replace(notification_id="gone")]))


def _with(month: World, posts: list[Post]) -> World:
    """The same month, with other books."""
    ledger = Ledger(month.clock)
    ledger.posts = posts
    return replace(month, ledger=ledger)
