"""What a notification says to whom, where a template words it.

| over one another, the last wins | from |
|---|---|
| what the template says to everybody | the template |
| what it says on the recipient's platform | `platforms` |
| what it says in the recipient's language, general before special (`sw`, then `sw-TZ`) | `locales` |
| what the request says itself, which is taken literally | the request |

A value is never expanded again: values are filled in once, and what comes out is not looked at as a template.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from fanfare.domain.errors import InvalidRequest
from fanfare.domain.locales import fallbacks
from fanfare.domain.message import Message, Platform
from fanfare.domain.send_request import message_of
from fanfare.domain.template import PLAIN_TEXTS, Said, overlay, without
from fanfare.domain.template_text import BadTemplateText, Syntax
from fanfare.domain.variables import USERNAME, Variables
from fanfare.domain.wording import Wording

Expand = Callable[[str, Syntax, Variables], str]
"""Fills in a text's variables; BadTemplateText if that can't be done. The port's `TemplateRenderer.render`."""


def compose(
    wording: Wording, own: Said, expand: Expand, *, platform: Platform | None = None, locale: str | None = None, username: str | None = None
) -> Message:
    """The message for a platform, one of the wording's locales and a username; InvalidRequest names the text that can't be filled in."""
    said: Said = wording.message
    for override in _overrides(wording, platform, locale):
        said = overlay(said, override)
    values = {USERNAME: username or wording.nameless, **wording.variables}
    return message_of(overlay(_filled_in(without(said, own), lambda text: expand(text, wording.syntax, values)), own))


def _overrides(wording: Wording, platform: Platform | None, locale: str | None) -> Iterable[Said]:
    """A topic's subscribers are of any platform and language: they are told what everybody is told."""
    if platform is None:
        return ()
    tags = fallbacks(locale) if locale else ()
    return (wording.platforms.get(platform, {}), *(wording.locales[tag] for tag in tags if tag in wording.locales))


def _filled_in(said: Said, fill: Callable[[str], str]) -> dict[str, Any]:
    def filled(path: str, text: str) -> str:
        try:
            return fill(text)
        except BadTemplateText as error:
            raise InvalidRequest.at(path, str(error)) from error

    done = {**said, **{name: filled(name, said[name]) for name in PLAIN_TEXTS if said.get(name) is not None}}
    if said.get("data"):
        done["data"] = {key: filled(f"data.{key}", value) for key, value in said["data"].items()}
    if said.get("actions"):
        done["actions"] = [
            {"id": action["id"], "title": filled(f"actions.{index}.title", action["title"])} for index, action in enumerate(said["actions"])
        ]
    return done
