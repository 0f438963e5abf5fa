"""Whether a template is one at all: the types of its fields and the language of its texts. Total, because operators edit documents by hand."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from fanfare.domain.errors import FieldError, InvalidRequest
from fanfare.domain.json_rules import json_errors
from fanfare.domain.locales import normalize
from fanfare.domain.message import Platform, Priority
from fanfare.domain.template import MESSAGE_FIELDS, OVERRIDABLE, Said, Template, parts, texts
from fanfare.domain.template_text import BadTemplateText, parse_text
from fanfare.domain.variables import variable_errors

MOST_LOCALES = 50
MOST_CHARACTERS = 32_768
"""Of all texts of a template together."""
LONGEST_TITLE = 255
_MAX_ERRORS = 50
_KEY = re.compile(r"(?!__.*__\Z)[^\x00]{1,200}", re.DOTALL)
"""Keys of `data` are names of fields in the stored document, of which Firestore keeps some for itself."""
_LOCALE = re.compile(r"[A-Za-z]{2,3}([_-][A-Za-z0-9]{2,8})*")


def check_template(template: Template) -> None:
    """Raise InvalidRequest with everything wrong with a template's form, the first 50; what it says once rendered is `template_lint`'s."""
    for stage in (_part_errors, _value_errors, _text_errors):
        errors = tuple(islice(stage(template), _MAX_ERRORS))
        if errors:
            raise InvalidRequest.of(errors)


def _part_errors(template: Template) -> Iterator[FieldError]:
    for name in ("platforms", "locales", "defaults"):
        value: object = getattr(template, name)
        if not isinstance(value, Mapping):
            yield FieldError(name, "must be an object")
        elif name != "defaults":
            yield from (FieldError(f"{name}.{key}", "must be an object") for key, said in value.items() if not isinstance(said, Mapping))


def _value_errors(template: Template) -> Iterator[FieldError]:
    yield from variable_errors(template.defaults, "defaults")
    yield from _locale_errors(template)
    for platform in template.platforms:
        if platform not in set(Platform):
            yield FieldError(f"platforms.{platform}", "is no platform: android, ios or web")
    for path, said in parts(template):
        allowed = OVERRIDABLE if path else MESSAGE_FIELDS
        yield from (FieldError(f"{path}{name}", "can't be said here") for name in said if name not in allowed)
        yield from (error for name, value in said.items() for error in json_errors(value, f"{path}{name}"))
        yield from _type_errors(said, path)


def _locale_errors(template: Template) -> Iterator[FieldError]:
    if len(template.locales) > MOST_LOCALES:
        yield FieldError("locales", f"must be at most {MOST_LOCALES}")
    seen: set[str] = set()
    for tag in template.locales:
        if not _LOCALE.fullmatch(tag) or len(tag) > 35:
            yield FieldError(f"locales.{tag}", "is no language tag such as sw or sw-TZ")
        elif normalize(tag) in seen:
            yield FieldError(f"locales.{tag}", "is given twice, in two spellings")
        seen.add(normalize(tag))


def _type_errors(said: Said, path: str) -> Iterator[FieldError]:
    for name in ("title", "body", "image_url", "deep_link", "channel", "sound"):
        if not isinstance(said.get(name), str | None):
            yield FieldError(f"{path}{name}", "must be a text")
    if isinstance(said.get("title"), str) and len(said["title"]) > LONGEST_TITLE:
        yield FieldError(f"{path}title", f"must be at most {LONGEST_TITLE} characters")
    if not isinstance(said.get("silent"), bool | None):
        yield FieldError("silent", "must be true or false")
    if said.get("priority") not in (None, *(priority.value for priority in Priority)):
        yield FieldError("priority", "must be high or normal")
    if not isinstance(said.get("ttl_seconds"), int | None) or isinstance(said.get("ttl_seconds"), bool):
        yield FieldError("ttl_seconds", "must be a whole number")
    yield from _data_errors(said.get("data"), f"{path}data")
    yield from _action_errors(said.get("actions"), f"{path}actions")


def _data_errors(data: object, path: str) -> Iterator[FieldError]:
    if not isinstance(data, Mapping | None):
        yield FieldError(path, "must be an object")
    elif data:
        yield from (FieldError(f"{path}.{key}", "must be a text") for key, value in data.items() if not isinstance(value, str))
        yield from (FieldError(path, "keys must have 1 to 200 characters and not begin and end with __") for key in data if not _KEY.fullmatch(key))


def _action_errors(actions: Any, path: str) -> Iterator[FieldError]:  # noqa: ANN401 - whatever an operator wrote
    if not isinstance(actions, list | tuple | None):
        yield FieldError(path, "must be an array")
        return
    for index, action in enumerate(actions or ()):
        if not isinstance(action, Mapping) or set(action) != {"id", "title"} or not all(isinstance(value, str) for value in action.values()):
            yield FieldError(f"{path}.{index}", "must be an object with the texts id and title")


def _text_errors(template: Template) -> Iterator[FieldError]:
    length = 0
    for path, said in parts(template):
        for name, text in texts(said):
            length += len(text)
            try:
                parse_text(text, template.syntax)
            except BadTemplateText as error:
                yield FieldError(f"{path}{name}", str(error))
    if length > MOST_CHARACTERS:
        yield FieldError("body", f"the texts of a template must be at most {MOST_CHARACTERS} characters together")
