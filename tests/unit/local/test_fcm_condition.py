from __future__ import annotations

import pytest

from local.fcm.condition import condition_problem, condition_topics


@pytest.mark.parametrize(
    ("condition", "topics"),
    [
        ("'a' in topics", ["a"]),
        ("  'a'  in  topics  ", ["a"]),
        ("'a' in topics && 'b' in topics || 'c' in topics", ["a", "b", "c"]),
        ("!('a' in topics) && !!'b' in topics", ["a", "b"]),
        ("(('a' in topics))", ["a"]),
    ],
)
def test_condition_names_its_topics(condition: str, topics: list[str]) -> None:
    assert condition_topics(condition) == topics


@pytest.mark.parametrize(
    "condition",
    [
        *("", " ", "a in topics", "'a' in topics &&", "&& 'a' in topics", "'a' in topics 'b' in topics", "('a' in topics"),
        *("'a' in topics)", "()", "!", "'a' in topic", "'a' in topics & 'b' in topics", "'a' in topics !", ")'a' in topics("),
        "(" * 100_000,
    ],
)
def test_malformed_condition_is_recognised(condition: str) -> None:
    assert condition_topics(condition) is None
    assert condition_problem(condition)


def test_condition_with_an_impossible_topic_name_is_refused() -> None:
    assert condition_problem("'a b' in topics")


def test_condition_may_name_five_topics_and_not_six() -> None:
    assert condition_problem(" && ".join(["'a' in topics"] * 5)) is None
    assert condition_problem(" && ".join(["'a' in topics"] * 6)) == "The condition names 6 topics; at most 5 are allowed."
