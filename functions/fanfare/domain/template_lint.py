"""What can be told of a template before anybody sends it: whether its messages can ever be good, on each platform and in each locale."""

from __future__ import annotations

from collections.abc import Collection

from fanfare.domain.composition import Expand, compose
from fanfare.domain.errors import InvalidRequest
from fanfare.domain.message import Message, Platform
from fanfare.domain.message_rules import check_message
from fanfare.domain.payload import check_payload
from fanfare.domain.template import Template, parts, texts
from fanfare.domain.template_rules import check_template
from fanfare.domain.template_text import BadTemplateText, parse_text
from fanfare.domain.variants import check_variants
from fanfare.domain.wording import Wording, wording_of

SAMPLE = "x"
"""Stands for a value that only a request will give: what is too big with the shortest of values is too big with any."""


def lint_template(template: Template, expand: Expand) -> None:
    """Raise InvalidRequest with what is wrong with a template. What depends on a value without a default is judged when a request gives it."""
    check_template(template)
    wording = _sampled(template)
    _check_texts(template, wording, expand)
    undecided = _undecided(template)

    def say(platform: Platform | None, locale: str | None) -> Message:
        return compose(wording, {}, expand, platform=platform, locale=locale)

    def check(message: Message, platforms: Collection[Platform | None]) -> None:
        try:
            check_message(message)
        except InvalidRequest as error:
            if any(found.field not in undecided for found in error.errors):
                raise
        check_payload(message, platforms)

    check_variants(wording, tuple(Platform), say, check)


def _sampled(template: Template) -> Wording:
    return wording_of(template, {name: template.defaults.get(name, SAMPLE) for name in _names(template)}, {})


def _names(template: Template) -> frozenset[str]:
    every = (text for _, said in parts(template) for _, text in texts(said))
    return frozenset(name for text in every for name in parse_text(text, template.syntax).names)


def _undecided(template: Template) -> frozenset[str]:
    """The fields that name a variable without a default: whether they have the right form is not known yet."""
    every = ((path, text) for _, said in parts(template) for path, text in texts(said))
    return frozenset(path for path, text in every if parse_text(text, template.syntax).names - set(template.defaults))


def _check_texts(template: Template, wording: Wording, expand: Expand) -> None:
    """Fill in every text by itself, so that also one that others cover on every platform is known to be whole."""
    for path, said in parts(template):
        for name, text in texts(said):
            try:
                expand(text, template.syntax, wording.variables)
            except BadTemplateText as error:
                raise InvalidRequest.at(f"{path}{name}", str(error)) from error
