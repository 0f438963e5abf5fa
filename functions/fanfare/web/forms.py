"""Forms as callers of the fcmpy daemon post them: a SIP proxy says of its body what it likes, or nothing at all."""

from __future__ import annotations

from typing import Any

from flask import Request
from werkzeug.exceptions import UnsupportedMediaType

from fanfare.domain.errors import InvalidRequest
from fanfare.web.bodies import check_json
from fanfare.web.form_text import parse_form

FORM_TYPES = frozenset({"", "application/x-www-form-urlencoded", "text/plain"})
"""What is read as a form; a body without a Content-Type too."""
LONGEST_NAME = 64
"""Of a field, in a refusal."""


def read_form(request: Request) -> dict[str, str]:
    """Read a form; UnsupportedMediaType for a body of another kind, InvalidRequest for one of too many fields."""
    if request.mimetype not in FORM_TYPES:
        raise UnsupportedMediaType("The body must be a form: application/x-www-form-urlencoded.")
    return parse_form(request.get_data(cache=True), request.mimetype_params.get("charset", ""))


def read_form_or_object(request: Request) -> dict[str, str]:
    """Read a form, or a JSON object that holds texts alone; InvalidRequest for one that holds anything else."""
    if not request.is_json:
        return read_form(request)
    check_json(request)
    content: Any = request.get_json(silent=True)
    for name, value in content.items():
        if not isinstance(value, str):
            raise InvalidRequest.at(name[:LONGEST_NAME], "must be a text")
    return dict(content)
