"""What a request would say, in every form that it can take; nothing is sent."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from fanfare.domain.channels import Channel, check_channel
from fanfare.domain.composition import compose
from fanfare.domain.errors import InvalidRequest
from fanfare.domain.message import Message, Platform
from fanfare.domain.message_rules import check_message
from fanfare.domain.payload import limit_bytes, message_bytes
from fanfare.domain.send_request import SendRequest
from fanfare.domain.variants import check_spoken
from fanfare.domain.wording import Wording
from fanfare.ports import Deps

Say = Callable[[Platform | None, str | None, str | None], Message]


@dataclass(frozen=True, slots=True)
class Named:
    """What stands for a recipient's username where a template names it: in what is shown (None: it has none), and in what is measured."""

    shown: str | None = None
    longest: str | None = None


@dataclass(frozen=True, slots=True)
class SpokenPreview:
    """A message on a platform (None: to a topic or condition), in one of its template's locales (None: to everybody else).

    `errors` say why it would be refused. Without a `message` its template can't be filled in; without a size it is none that could be rendered.
    """

    platform: Platform | None
    locale: str | None
    message: Message | None
    size_bytes: int | None
    errors: tuple[str, ...]

    @property
    def fits(self) -> bool:
        """Whether FCM would take its size."""
        return self.size_bytes is not None and self.size_bytes <= limit_bytes(self.platform)


def preview_messages(
    deps: Deps,
    request: SendRequest,
    wording: Wording | None,
    *,
    platforms: Collection[Platform | None],
    channels: Collection[Channel],
    named: Named,
) -> list[SpokenPreview]:
    """Every form of a message. InvalidRequest is not raised for what it says."""

    def say(platform: Platform | None, locale: str | None, username: str | None) -> Message:
        if wording is None:
            return request.message
        return compose(wording, request.raw, deps.renderer.render, platform=platform, locale=locale, username=username)

    return [_preview(say, platform, locale, named, channels) for platform in platforms for locale in _locales(wording, platform)]


def _locales(wording: Wording | None, platform: Platform | None) -> Iterator[str | None]:
    yield None
    # A topic's subscribers are of any language: they are told what everybody is told.
    if wording is not None and platform is not None:
        yield from wording.locales


def _preview(say: Say, platform: Platform | None, locale: str | None, named: Named, channels: Collection[Channel]) -> SpokenPreview:
    message, size = None, None
    try:
        message, largest = (say(platform, locale, username) for username in (named.shown, named.longest))
        check_message(message)
        size = message_bytes(largest, platform)
        check_spoken(largest, (platform,))
        check_channel(message, channels)
    except InvalidRequest as error:
        return SpokenPreview(platform, locale, message, size, tuple(map(str, error.errors)))
    return SpokenPreview(platform, locale, message, size, ())
