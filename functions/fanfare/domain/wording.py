"""A template as a notification keeps it: what it said when the request was accepted, and the values of its variables."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from fanfare.domain.errors import FieldError, InvalidRequest
from fanfare.domain.lifetime import ttl_seconds_for
from fanfare.domain.locales import best_match, normalize
from fanfare.domain.send_request import message_of
from fanfare.domain.template import Said, Template, overlay, texts, without
from fanfare.domain.template_text import Syntax, parse_text
from fanfare.domain.variables import USERNAME, Value, Variables

CALL = "call"
CALL_TTL_SECONDS = 60
"""The template of this name lives so long, unless it or the request says otherwise."""


@dataclass(frozen=True, slots=True)
class Wording:
    """A template as a notification keeps it, its locales' tags normalized. `variables` are the values that all recipients share."""

    template: str
    version: int
    syntax: Syntax
    message: Said
    platforms: Mapping[str, Said]
    locales: Mapping[str, Said]
    variables: Variables
    nameless: Value = ""
    """What stands for the username of a recipient that has none."""
    personal: bool = False
    """Whether recipients of different usernames are told different things."""

    def locale_for(self, tag: str | None) -> str | None:
        """Which of the locales a recipient is addressed in."""
        return best_match(tag, self.locales) if self.locales else None


def wording_of(template: Template, given: Variables, own: Said) -> Wording:
    """Put a template and a request together: its variables, of which the unknown ones are left out, and what it says itself."""
    bare = bare_wording(template)
    return with_variables(bare, template.defaults, given, names_of(bare, own))


def bare_wording(template: Template) -> Wording:
    """What a template says, without the values of any variables."""
    return Wording(
        template=template.name,
        version=template.version,
        syntax=template.syntax,
        message=template.message,
        platforms=template.platforms,
        locales={normalize(tag): said for tag, said in template.locales.items()},
        variables={},
        nameless=template.defaults.get(USERNAME, ""),
    )


def with_variables(bare: Wording, defaults: Variables, given: Variables, names: Collection[str]) -> Wording:
    """Give a template the values of the variables that its texts name; what was given wins over the defaults."""
    values = {**defaults, **given}
    if USERNAME not in given:
        values.pop(USERNAME, None)
    known = {name: value for name, value in values.items() if name in names}
    return replace(bare, variables=known, personal=USERNAME in names and USERNAME not in known)


def names_of(wording: Wording, own: Said) -> frozenset[str]:
    """The variables that the texts name, those left out that the request replaces by its own."""
    said = (wording.message, *wording.platforms.values(), *wording.locales.values())
    return frozenset(name for part in said for _, text in texts(without(part, own)) for name in parse_text(text, wording.syntax).names)


def ttl_seconds_of(wording: Wording, own: Said, *, usual: int | None = None) -> int:
    """The whole life of the message; a call that nobody answered within a minute is no news any more."""
    message = message_of(overlay(wording.message, own))
    is_call = wording.template == CALL and message.ttl_seconds is None
    return CALL_TTL_SECONDS if is_call else ttl_seconds_for(message, usual=usual)


def check_variables(wording: Wording, own: Said) -> None:
    """Raise InvalidRequest that names every variable without a value."""
    check_named(wording, names_of(wording, own))


def check_named(wording: Wording, names: Collection[str]) -> None:
    """Raise InvalidRequest that names every variable among `names` without a value."""
    missing = sorted(name for name in names if name not in wording.variables and name != USERNAME)
    if missing:
        errors = tuple(FieldError(f"variables.{name}", "is missing: the template names it and has no default for it") for name in missing)
        raise InvalidRequest.of(errors)
