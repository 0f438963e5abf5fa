"""A wording as JSON, as a notification stores it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from fanfare.domain.template_text import Syntax
from fanfare.domain.wording import Wording


def wording_to_json(wording: Wording) -> dict[str, Any]:
    """Every field by its name."""
    return {field.name: getattr(wording, field.name) for field in fields(Wording)}


def wording_from_json(stored: Mapping[str, Any]) -> Wording:
    """Read what `wording_to_json` wrote; fields that a newer version knows are passed over."""
    known = {field.name: stored[field.name] for field in fields(Wording) if field.name in stored}
    return Wording(**{**known, "syntax": Syntax(known["syntax"])})
