"""Every form that a wording can take, and whether each of them can be sent."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from fanfare.domain.errors import FieldError, InvalidRequest
from fanfare.domain.message import Message, Platform
from fanfare.domain.message_rules import check_message
from fanfare.domain.payload import check_payload
from fanfare.domain.wording import Wording


def check_spoken(message: Message, platforms: Collection[Platform | None]) -> None:
    """Check one message as it is to be sent: its fields, and its size for each platform."""
    check_message(message)
    check_payload(message, platforms)


def check_variants(
    wording: Wording,
    platforms: Collection[Platform | None],
    say: Callable[[Platform | None, str | None], Message],
    check: Callable[[Message, Collection[Platform | None]], None] = check_spoken,
) -> None:
    """Check everything that a wording can say on some platforms, in each of its locales; InvalidRequest says which of them is wrong."""
    for alike, locale in _variants(wording, platforms):
        try:
            check(say(alike[0], locale), alike)
        except InvalidRequest as error:
            raise _in_variant(error, locale) from error


def _variants(wording: Wording, platforms: Collection[Platform | None]) -> Iterator[tuple[tuple[Platform | None, ...], str | None]]:
    """Platforms that are told the same thing, and a locale."""
    alike = tuple(platform for platform in platforms if platform not in wording.platforms)
    groups = [group for group in (alike, *((platform,) for platform in platforms if platform in wording.platforms)) if group]
    for group in groups:
        yield group, None
        yield from ((group, locale) for locale in wording.locales if None not in group)


def _in_variant(error: InvalidRequest, locale: str | None) -> InvalidRequest:
    if locale is None:
        return error
    errors = tuple(FieldError(found.field, f"{found.message} (locale {locale})") for found in error.errors)
    return InvalidRequest.of(errors)
