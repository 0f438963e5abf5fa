"""A template: a message with variables, worded for platforms and languages, that requests to send name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any

from fanfare.domain.template_text import Syntax
from fanfare.domain.variables import Variables

Said = Mapping[str, Any]
"""Fields of a message, spelled as in a request to send; a field that is missing says nothing."""

PLAIN_TEXTS = ("title", "body", "image_url", "deep_link")
"""Fields that may name variables; so may the values of `data` and the titles of `actions`."""
OVERRIDABLE = (*PLAIN_TEXTS, "data", "actions", "channel", "sound")
"""What a platform or a language may say differently; how a message travels is the same for all."""
MESSAGE_FIELDS = (*OVERRIDABLE, "priority", "silent", "ttl_seconds")
KEPT_VERSIONS = 20

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


@dataclass(frozen=True, slots=True)
class Template:
    """A template as it is stored. `version` begins at 1 and rises with every change through the API.

    `defect` says why a template that was edited by hand can't be used; its message is empty then.
    """

    name: str
    message: Said
    created_at: datetime
    updated_at: datetime
    platforms: Mapping[str, Said] = field(default_factory=dict)
    locales: Mapping[str, Said] = field(default_factory=dict)
    defaults: Variables = field(default_factory=dict)
    syntax: Syntax = Syntax.DOUBLE
    active: bool = True
    version: int = 1
    created_by: str | None = None
    defect: str | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """What a caller wants a template to be."""

    message: Said
    platforms: Mapping[str, Said] = field(default_factory=dict)
    locales: Mapping[str, Said] = field(default_factory=dict)
    defaults: Variables = field(default_factory=dict)
    syntax: Syntax = Syntax.DOUBLE
    active: bool = True


def new_template(name: str, draft: Draft, *, created_by: str, now: datetime) -> Template:
    """Make a template's first version."""
    first = Template(name=name, message={}, created_at=now, updated_at=now, version=0, created_by=created_by)
    return changed(first, draft, now)


def changed(template: Template, draft: Draft, now: datetime) -> Template:
    """Make a template's next version, which says what the draft says and nothing else; the same one if that changes nothing."""
    said = {item.name: getattr(draft, item.name) for item in fields(Draft)}
    if template.defect is None and all(getattr(template, name) == value for name, value in said.items()):
        return template
    return replace(template, **said, version=template.version + 1, updated_at=now, defect=None)


def is_template_name(text: str) -> bool:
    """Tell whether a template may have this name; it stands in paths."""
    return _NAME.fullmatch(text) is not None


def parts(template: Template) -> Iterator[tuple[str, Said]]:
    """Every part of a template that says something, with the path at which it stands."""
    yield "", template.message
    yield from ((f"platforms.{name}.", said) for name, said in template.platforms.items())
    yield from ((f"locales.{name}.", said) for name, said in template.locales.items())


def texts(said: Said) -> Iterator[tuple[str, str]]:
    """Every text that may name variables, with its path."""
    yield from ((name, said[name]) for name in PLAIN_TEXTS if said.get(name) is not None)
    yield from ((f"data.{key}", value) for key, value in (said.get("data") or {}).items())
    yield from ((f"actions.{index}.title", action["title"]) for index, action in enumerate(said.get("actions") or ()))


def overlay(below: Said, above: Said) -> dict[str, Any]:
    """Say `above` over `below`: field by field, and key by key in `data`."""
    said = {**below, **{name: value for name, value in above.items() if value is not None}}
    if below.get("data") and above.get("data"):
        said["data"] = {**below["data"], **above["data"]}
    return said


def without(said: Said, own: Said) -> dict[str, Any]:
    """What remains of the template where the request says something itself."""
    kept = {name: value for name, value in said.items() if name == "data" or own.get(name) is None}
    if kept.get("data") and own.get("data"):
        kept["data"] = {key: value for key, value in kept["data"].items() if key not in own["data"]}
    return kept
