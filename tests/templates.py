"""Templates for tests: a factory, and the filling in of variables as the domain sees it."""

from __future__ import annotations

import re
from typing import Any

from fanfare.domain.template import Template
from fanfare.domain.template_text import LONGEST_TEXT, BadTemplateText, Syntax, parse_text
from fanfare.domain.variables import Variables
from tests.factories import NOW


def a_template(**fields: Any) -> Template:
    """The first version of a template that greets somebody about an order."""
    usual: dict[str, Any] = {
        "name": "order_confirmed",
        "message": {"title": "Hello {{name}}", "body": "Your order #{{order_id}} is {{status}}"},
        "created_at": NOW,
        "updated_at": NOW,
        "created_by": "client-1",
    }
    return Template(**usual | fields)


def expand(text: str, syntax: Syntax, variables: Variables) -> str:
    """Fill in plain variables, once."""
    source = parse_text(text, syntax).source
    try:
        filled = re.sub(r"\{\{ *(\w+) *\}\}", lambda match: str(variables[match[1]]), source)
    except KeyError as error:
        raise BadTemplateText(f"names {error}, for which there is no value") from error
    if len(filled) > LONGEST_TEXT:
        raise BadTemplateText("grows too long")
    return filled
