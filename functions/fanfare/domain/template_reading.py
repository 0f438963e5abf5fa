"""Reading a template out of a document that an operator may have edited by hand: total, and says what is wrong instead of failing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from fanfare.domain.errors import InvalidRequest
from fanfare.domain.template import MESSAGE_FIELDS, Template
from fanfare.domain.template_rules import check_template
from fanfare.domain.template_text import Syntax

LONGEST_DEFECT = 500


def read_template(name: str, stored: Mapping[str, Any], written_at: datetime) -> Template:
    """A template with what a document says, or one that says nothing and has a `defect`. `written_at` stands for times that can't be read."""
    version = stored.get("version")
    template = Template(
        name=name,
        message={field: stored[field] for field in MESSAGE_FIELDS if stored.get(field) is not None},
        platforms=_parts(stored.get("platforms")),
        locales=_parts(stored.get("locales")),
        defaults={} if stored.get("defaults") is None else stored["defaults"],
        active=stored.get("active") is True,
        version=version if isinstance(version, int) else 0,
        created_by=stored["created_by"] if isinstance(stored.get("created_by"), str) else None,
        created_at=_time(stored.get("created_at"), written_at),
        updated_at=_time(stored.get("updated_at"), written_at),
    )
    try:
        return _checked(template, stored)
    except InvalidRequest as error:
        # The reason names fields and rules; it is stored in the document, where the texts themselves stand too.
        return replace(template, message={}, platforms={}, locales={}, defaults={}, defect=error.detail[:LONGEST_DEFECT])


def _checked(template: Template, stored: Mapping[str, Any]) -> Template:
    if not isinstance(stored.get("active"), bool):
        raise InvalidRequest.at("active", "must be true or false")
    syntax = stored.get("syntax")
    if not isinstance(syntax, str) or syntax not in set(Syntax):
        raise InvalidRequest.at("syntax", "must be double or single")
    checked = replace(template, syntax=Syntax(syntax))
    check_template(checked)
    return checked


def _parts(stored: Any) -> Any:  # noqa: ANN401 - whatever an operator wrote; `check_template` refuses what is no object
    if not isinstance(stored, Mapping):
        return {} if stored is None else stored
    return {
        name: {key: value for key, value in said.items() if value is not None} if isinstance(said, Mapping) else said for name, said in stored.items()
    }


def _time(stored: object, otherwise: datetime) -> datetime:
    return stored if isinstance(stored, datetime) else otherwise
