"""Contents as JSON, as they stand beside packed rows: a template that many of them are worded by is written once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from fanfare.domain.content import Content
from fanfare.domain.wording import Wording
from fanfare.domain.wording_format import wording_from_json, wording_to_json


def contents_to_json(contents: Iterable[Content]) -> dict[str, Any]:
    """Every content, and the templates that they name by their places."""
    templates: dict[int, int] = {}
    kept: list[dict[str, Any]] = []
    packed = []
    for content in contents:
        wording = content.wording
        if wording is not None and (shared := id(wording.message)) not in templates:
            # Wordings of one template share what it says; the rest of each is told below.
            templates[shared] = len(kept)
            kept.append(wording_to_json(replace(wording, variables={}, personal=False)))
        worded = [templates[id(wording.message)], wording.variables, wording.personal] if wording is not None else None
        packed.append([content.own, content.ttl_seconds, worded])
    return {"contents": packed, "templates": kept}


def contents_from_json(stored: Mapping[str, Any]) -> Sequence[Content]:
    """Read what `contents_to_json` wrote."""
    templates = [wording_from_json(template) for template in stored["templates"]]
    return [Content(own, ttl_seconds, _worded(templates, worded)) for own, ttl_seconds, worded in stored["contents"]]


def _worded(templates: Sequence[Wording], worded: Sequence[Any] | None) -> Wording | None:
    if worded is None:
        return None
    place, variables, personal = worded
    template: Wording = templates[place]
    return replace(template, variables=variables, personal=personal)
