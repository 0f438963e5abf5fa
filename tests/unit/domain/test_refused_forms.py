"""Which refused forms are told to other chunks."""

from __future__ import annotations

from fanfare.domain.classification import Kind
from fanfare.domain.content import Content
from fanfare.domain.message import Platform, TargetKind
from fanfare.domain.refused_forms import MOST_FORMS, form_of, verdict_of, with_refused
from fanfare.domain.rendition import Rendition
from tests.factories import a_notification

ANDROID = Rendition(Platform.ANDROID, TargetKind.TOKEN)


def test_form_is_named_by_all_that_makes_it() -> None:
    assert form_of(ANDROID) == "android/token/"
    assert form_of(ANDROID._replace(locale="sw", kind=TargetKind.FID)) == "android/fid/sw"
    assert form_of(Rendition(None, TargetKind.TOPIC)) == "topic/topic/"


def test_form_of_a_few_is_not_told() -> None:
    assert form_of(ANDROID._replace(username="alice")) is None
    assert form_of(ANDROID._replace(content=Content({"title": "Yours"}, 60))) is None


def test_refusal_is_told_once_and_first_wins() -> None:
    noted = with_refused(a_notification(), {"android/token/": "INVALID_ARGUMENT"})
    assert noted is not None
    assert with_refused(noted, {"android/token/": "ANOTHER"}) is None
    verdict = verdict_of(noted, ANDROID)
    assert verdict is not None
    assert (verdict.kind, verdict.detail, verdict.http_status) == (Kind.BAD_PAYLOAD, "INVALID_ARGUMENT", 400)


def test_other_forms_are_not_refused() -> None:
    noted = a_notification(refused={"android/token/": "INVALID_ARGUMENT"})
    assert verdict_of(noted, ANDROID._replace(platform=Platform.WEB)) is None
    assert verdict_of(noted, ANDROID._replace(username="alice")) is None
    assert verdict_of(a_notification(), ANDROID) is None


def test_no_more_forms_are_noted_than_a_document_should_hold() -> None:
    full = a_notification(refused={str(number): "INVALID_ARGUMENT" for number in range(MOST_FORMS)})
    assert with_refused(full, {"android/token/": "INVALID_ARGUMENT"}) is None
