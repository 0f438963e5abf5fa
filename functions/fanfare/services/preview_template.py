"""What a template would say; nothing is sent."""

from __future__ import annotations

from dataclasses import dataclass

from fanfare.domain.composition import compose
from fanfare.domain.errors import InvalidRequest
from fanfare.domain.message import Message, Platform
from fanfare.domain.payload import message_bytes
from fanfare.domain.template import Template
from fanfare.domain.variables import Variables
from fanfare.domain.variants import check_spoken
from fanfare.domain.wording import Wording, check_variables, wording_of
from fanfare.ports import Deps
from fanfare.services.templates import whole


@dataclass(frozen=True, slots=True)
class Preview:
    """What a template says on one platform, in one of its locales (None: to everybody else), its size, and why FCM would refuse it, if it would."""

    platform: Platform
    locale: str | None
    message: Message
    size_bytes: int
    errors: tuple[str, ...]


def preview_template(
    deps: Deps, template: Template, variables: Variables, *, platform: Platform | None, locale: str | None, username: str | None
) -> list[Preview]:
    """What a template says with these variables: on one platform or all, in one language or all. TemplateBroken, InvalidRequest."""
    wording = wording_of(whole(template), variables, {})
    check_variables(wording, {})
    locales = [wording.locale_for(locale)] if locale else [None, *wording.locales]
    platforms = [platform] if platform else list(Platform)
    return [_preview(deps, wording, one, tag, username) for one in platforms for tag in locales]


def _preview(deps: Deps, wording: Wording, platform: Platform, locale: str | None, username: str | None) -> Preview:
    message = compose(wording, {}, deps.renderer.render, platform=platform, locale=locale, username=username)
    try:
        check_spoken(message, (platform,))
    except InvalidRequest as error:
        return Preview(platform, locale, message, message_bytes(message, platform), tuple(map(str, error.errors)))
    return Preview(platform, locale, message, message_bytes(message, platform), ())
