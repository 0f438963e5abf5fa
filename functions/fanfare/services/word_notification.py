"""What a request to send says to each of its recipients, where it names a template."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NoReturn

from fanfare.domain.channels import Channel, check_channel
from fanfare.domain.composition import compose
from fanfare.domain.errors import FieldError, InvalidRequest
from fanfare.domain.lifetime import ttl_seconds_for
from fanfare.domain.message import Message, Platform
from fanfare.domain.notification import Notification
from fanfare.domain.recipient import Recipient
from fanfare.domain.rendition import Rendition, rendition_of
from fanfare.domain.send_request import SendRequest, message_of
from fanfare.domain.template import Template
from fanfare.domain.template_lint import SAMPLE
from fanfare.domain.variants import check_spoken, check_variants
from fanfare.domain.wording import Wording, check_variables, ttl_seconds_of, wording_of
from fanfare.ports import Deps
from fanfare.services.templates import usable

LONGEST_USERNAME = "x" * 128
"""As long as a username may be."""


def word_request(deps: Deps, tenant: str, request: SendRequest) -> Wording | None:
    """The template that a request names with the request's variables; None if it names none.

    InvalidRequest names an unknown template or every variable without a value; TemplateInactive, TemplateBroken.
    """
    if request.template is None:
        return None
    template = deps.templates.get(tenant, request.template) or request.stand_in or _unknown()
    wording = wording_of(usable(template), request.variables, request.raw)
    check_variables(wording, request.raw)
    return wording


def find_template(deps: Deps, tenant: str, name: str) -> Template:
    """The template that a request names; InvalidRequest if there is none."""
    return deps.templates.get(tenant, name) or _unknown()


def _unknown() -> NoReturn:
    raise InvalidRequest.at("template", "names no template")


def platforms_of(request: SendRequest) -> tuple[Platform | None, ...]:
    """The forms that a message may take: decided by the request alone, so that the same request is good or bad for everybody."""
    if request.to.fanned_out is not None:
        return (None,)
    if request.to.targets:
        return tuple(sorted({raw.platform for raw in request.to.targets}))
    return request.only.platform or tuple(Platform)


def check_content(
    deps: Deps, request: SendRequest, wording: Wording | None, platforms: Collection[Platform | None], channels: Collection[Channel]
) -> None:
    """Refuse what FCM would refuse, in every form that the request alone decides: on each platform, in each language of its template.

    So is one that names another Android channel than the tenant's, if it has listed any.
    """

    def check(message: Message, alike: Collection[Platform | None]) -> None:
        check_spoken(message, alike)
        check_channel(message, channels)

    if wording is None:
        check(request.message, platforms)
    else:
        # Whose username is long is not known yet; that anybody's can be too long is `check_addressed`'s.
        check_variants(wording, platforms, lambda platform, locale: _say(deps, wording, request, platform, locale, SAMPLE), check)


def check_addressed(deps: Deps, request: SendRequest, wording: Wording | None, recipients: Iterable[Recipient]) -> None:
    """Refuse what is too big for somebody because of the username in it."""
    if wording is None or not wording.personal:
        return
    for rendition in {rendition_of(wording, row) for row in recipients}:
        check_spoken(_say(deps, wording, request, rendition.platform, rendition.locale, rendition.username), (rendition.platform,))


def check_anybody(deps: Deps, request: SendRequest, wording: Wording | None) -> None:
    """Refuse what is too big for somebody in an audience, whom nobody looks up: the longest of usernames must fit.

    One of other letters than ASCII's takes more bytes than that. Whoever it is too big for fails with FCM's own refusal, and nobody else does.
    """
    if wording is None or not wording.personal:
        return
    try:
        check_variants(wording, platforms_of(request), lambda platform, locale: _say(deps, wording, request, platform, locale, LONGEST_USERNAME))
    except InvalidRequest as error:
        raise InvalidRequest.of(FieldError(found.field, f"{found.message}, to somebody with a long username") for found in error.errors) from error


def life_of(request: SendRequest, wording: Wording | None, *, usual: int | None) -> int:
    """The whole life of the message in seconds; `usual` is the tenant's for a message that says none."""
    return ttl_seconds_for(request.message, usual=usual) if wording is None else ttl_seconds_of(wording, request.raw, usual=usual)


def message_for(deps: Deps, notification: Notification, rendition: Rendition) -> Message:
    """What a notification says in one of its forms. Every form was found good when the request was accepted; InvalidRequest if one is not now."""
    content = rendition.content
    wording, own = (notification.wording, notification.request) if content is None else (content.wording, content.own)
    if wording is None:
        return notification.message if content is None else message_of(own)
    return compose(
        wording,
        own,
        deps.renderer.render,
        platform=rendition.platform,
        locale=rendition.locale,
        username=rendition.username,
    )


def _say(deps: Deps, wording: Wording, request: SendRequest, platform: Platform | None, locale: str | None, username: str | None = None) -> Message:
    return compose(wording, request.raw, deps.renderer.render, platform=platform, locale=locale, username=username)
