"""A person's name in what is kept of a request."""

from __future__ import annotations

from typing import Any

import pytest

from fanfare.domain.forgetting import FORGOTTEN, without_username


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ({"to": {"usernames": ["bob", "alice"]}, "title": "Hi"}, {"to": {"usernames": ["bob", FORGOTTEN]}, "title": "Hi"}),
        ({"to": {"usernames": ["alice", "alice"]}}, {"to": {"usernames": [FORGOTTEN, FORGOTTEN]}}),
        ({"to": {"usernames": ["bob"]}}, {"to": {"usernames": ["bob"]}}),
        ({"to": {"topic": "alice"}}, {"to": {"topic": "alice"}}),
        ({"to": {"usernames": None}}, {"to": {"usernames": None}}),
        ({"to": "everyone"}, {"to": "everyone"}),
        ({"title": "alice"}, {"title": "alice"}),
    ],
)
def test_a_name_is_taken_out_of_the_addressees(request_: dict[str, Any], expected: dict[str, Any]) -> None:
    assert without_username(request_, "alice") == expected


def test_the_request_that_was_given_is_left_alone() -> None:
    request = {"to": {"usernames": ["alice"]}}
    without_username(request, "alice")
    assert request == {"to": {"usernames": ["alice"]}}
