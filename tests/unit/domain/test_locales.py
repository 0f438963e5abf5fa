from __future__ import annotations

import pytest

from fanfare.domain.locales import best_match, fallbacks, normalize


@pytest.mark.parametrize(("tag", "written"), [("sw", "sw"), ("sw_TZ", "sw-tz"), ("zh-Hant-TW", "zh-hant-tw")])
def test_tag_has_one_spelling(tag: str, written: str) -> None:
    assert normalize(tag) == written


def test_special_tag_falls_back_to_general_ones() -> None:
    assert fallbacks("zh_Hant-TW") == ["zh", "zh-hant", "zh-hant-tw"]


@pytest.mark.parametrize(
    ("tag", "known", "best"),
    [
        ("sw-TZ", {"sw", "sw-tz"}, "sw-tz"),
        ("sw-KE", {"sw", "sw-tz"}, "sw"),
        ("sw", {"sw-tz"}, None),
        ("swx", {"sw"}, None),
        ("SW_tz", {"sw-tz"}, "sw-tz"),
        (None, {"sw"}, None),
        ("", {"sw"}, None),
        ("en", set(), None),
    ],
)
def test_recipient_is_served_by_the_most_special_known_tag(tag: str | None, known: set[str], best: str | None) -> None:
    assert best_match(tag, known) == best
