"""Delivering a chunk whose rows are not all told the same: each gets its own words, and each message lives its own life."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from fanfare.domain.content import Content
from fanfare.domain.outcome import Outcome
from fanfare.domain.recipient import recipient_of
from fanfare.domain.wording import wording_of
from tests.templates import a_template
from tests.unit.services.delivering import ANDROID, BAD_PAYLOAD, BUSY, MINUTE, SECOND, World, a_world, accepted

SENT, FAILED, RETRYING = Outcome.SENT, Outcome.FAILED, Outcome.RETRYING
HOUR = 3_600


def _world(*contents: Content | None, batch_size: int = 100) -> World:
    """A chunk with a device for each content."""
    world = a_world(*[ANDROID] * len(contents), batch_size=batch_size)
    rows = [recipient_of(world.device(number))._replace(content=content) for number, content in enumerate(contents, start=1)]
    longest = max(content.ttl_seconds for content in contents if content is not None)
    return accepted(world, rows=rows, ttl_seconds=longest)


def _said(world: World) -> dict[str, Any]:
    return {key: body["message"]["notification"]["title"] for key, body in world.sender.sent}


def _lives(world: World) -> list[str]:
    return [body["message"]["android"]["ttl"] for _, body in world.sender.sent]


def test_each_is_told_what_is_meant_for_it_and_the_others_what_everybody_is_told() -> None:
    shared = Content({"title": "Yours"}, HOUR)
    world = _world(shared, None, shared, Content({"title": "Mine"}, HOUR))
    world.deliver()
    assert _said(world) == {"device-1": "Yours", "device-2": "Order confirmed", "device-3": "Yours", "device-4": "Mine"}
    assert set(world.outcomes().values()) == {SENT}


def test_template_words_each_message_with_its_own_values_and_username() -> None:
    template = a_template(message={"title": "Order {{order}} for {{username}}"})
    world = _world(*[Content({}, HOUR, wording_of(template, {"order": number}, {})) for number in (7, 8)])
    world.deliver()
    assert _said(world) == {"device-1": "Order 7 for user-of-profile-1", "device-2": "Order 8 for user-of-profile-2"}


def test_message_is_sent_with_its_own_life() -> None:
    world = _world(Content({"title": "Short"}, 60), Content({"title": "Long"}, HOUR))
    world.clock.advance(10 * SECOND)
    world.deliver()
    assert _lives(world) == ["50s", "3590s"]


def test_message_that_has_outlived_its_worth_is_not_sent_and_the_others_are() -> None:
    world = _world(Content({"title": "Short"}, 60), Content({"title": "Long"}, HOUR))
    world.clock.advance(5 * MINUTE)
    world.deliver()
    assert _said(world) == {"device-2": "Long"}
    assert world.outcomes() == {1: FAILED, 2: SENT}
    assert world.chunk().results["device-1"].detail == "EXPIRED"


def test_nothing_is_sent_once_all_have_outlived_their_worth() -> None:
    world = _world(Content({"title": "Short"}, 60), Content({"title": "Long"}, HOUR))
    world.clock.advance(timedelta(hours=2))
    world.deliver()
    assert (world.sent_to(), world.outcomes()) == ([], {1: FAILED, 2: FAILED})


def test_message_is_retried_only_while_it_lives() -> None:
    world = _world(Content({"title": "Now or never"}, 0), Content({"title": "Long"}, HOUR))
    world.answer({1: BUSY, 2: BUSY})
    world.deliver()
    assert world.outcomes() == {1: FAILED, 2: RETRYING}


def test_refused_message_is_refused_for_those_alone_who_are_told_the_same() -> None:
    bad = Content({"title": "Refused"}, HOUR)
    world = _world(bad, Content({"title": "Refused"}, HOUR), bad, batch_size=1)
    world.answer({1: BAD_PAYLOAD})
    world.deliver()
    assert world.sent_to() == [1, 2]
    assert world.outcomes() == {1: FAILED, 2: SENT, 3: FAILED}
