"""What an endpoint's answer says."""

from __future__ import annotations

from datetime import timedelta

import pytest

from fanfare.domain.endpoint_answer import (
    LONGEST_RETRY_AFTER,
    TIMED_OUT,
    NotPosted,
    Posted,
    error_of,
    is_gone,
    is_silent,
    is_taken,
    wait_asked_for,
)


@pytest.mark.parametrize(
    ("answer", "taken", "gone", "silent", "error"),
    [
        (Posted(200), True, False, False, None),
        (Posted(204), True, False, False, None),
        (Posted(299), True, False, False, None),
        (Posted(199), False, False, False, None),
        (Posted(300), False, False, False, "redirect"),
        (Posted(399), False, False, False, "redirect"),
        (Posted(400), False, False, False, None),
        (Posted(410), False, True, False, None),
        (Posted(500), False, False, False, None),
        (NotPosted(TIMED_OUT), False, False, True, "timeout"),
        (NotPosted("tls"), False, False, False, "tls"),
    ],
)
def test_an_answer_is_read_as_what_it_means(answer: Posted | NotPosted, *, taken: bool, gone: bool, silent: bool, error: str | None) -> None:
    assert (is_taken(answer), is_gone(answer), is_silent(answer), error_of(answer)) == (taken, gone, silent, error)


@pytest.mark.parametrize(
    ("answer", "wait"),
    [
        (Posted(503), timedelta()),
        (Posted(503, 0.0), timedelta()),
        (Posted(503, 90.0), timedelta(seconds=90)),
        (Posted(429, 1e9), LONGEST_RETRY_AFTER),
        (NotPosted("connection"), timedelta()),
    ],
)
def test_an_endpoint_may_ask_for_a_wait_but_not_for_any(answer: Posted | NotPosted, wait: timedelta) -> None:
    assert wait_asked_for(answer) == wait
