"""Which recipients are told the same, so that it is rendered once."""

from __future__ import annotations

from dataclasses import replace

from fanfare.domain.content import Content
from fanfare.domain.message import Platform, TargetKind
from fanfare.domain.rendition import Rendition, rendition_of
from fanfare.domain.template_text import Syntax
from fanfare.domain.wording import Wording
from tests.factories import a_recipient

WORDING = Wording("order", 1, Syntax.DOUBLE, {"title": "Order"}, {}, {"sw": {"title": "Agizo"}}, {})
ALICE = a_recipient(locale="sw-TZ", username="alice")
ANDROID, TOKEN = Platform.ANDROID, TargetKind.TOKEN


def test_plain_message_differs_by_platform_alone() -> None:
    assert rendition_of(None, ALICE) == Rendition(ANDROID, TOKEN)


def test_worded_message_differs_by_locale_and_where_it_is_personal_by_username() -> None:
    assert rendition_of(WORDING, ALICE) == Rendition(ANDROID, TOKEN, "sw")
    assert rendition_of(replace(WORDING, personal=True), ALICE) == Rendition(ANDROID, TOKEN, "sw", "alice")


def test_content_of_its_own_stands_before_what_everybody_is_told() -> None:
    content = Content({"title": "Yours"}, 60)
    assert rendition_of(WORDING, ALICE._replace(content=content)) == Rendition(ANDROID, TOKEN, content=content)


def test_worded_content_differs_as_its_own_template_says() -> None:
    content = Content({}, 60, replace(WORDING, personal=True))
    assert rendition_of(None, ALICE._replace(content=content)) == Rendition(ANDROID, TOKEN, "sw", "alice", content)


def test_equal_contents_of_two_messages_are_two_renditions() -> None:
    one, other = (rendition_of(None, ALICE._replace(content=Content({}, 60))) for _ in range(2))
    assert one != other
