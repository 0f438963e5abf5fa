"""Templates filled in by minijinja: strict, with fuel, and only with texts that the domain has vetted.

Vetting comes first because fuel counts what a template *does*: an expression that is nested deeply enough overflows the engine's stack while it is
read, and the process dies (docs/decisions/0007).
"""

from __future__ import annotations

import json
from typing import Any

from minijinja import Environment, TemplateError

from fanfare.domain.template_text import LONGEST_TEXT, BadTemplateText, Syntax, parse_text
from fanfare.domain.variables import Variables, plain

FUEL = 2_000
"""What a vetted text of the greatest length with the longest values needs, several times over."""


class MinijinjaRenderer:
    """Fills in texts; one engine for the instance, which knows no other templates, no loader and no functions."""

    def __init__(self) -> None:
        self._engine = Environment(
            undefined_behavior="strict",
            fuel=FUEL,
            debug=False,
            pycompat=False,
            keep_trailing_newline=True,
            auto_escape_callback=lambda _name: False,
            finalizer=_spell,
        )
        for name in tuple(self._engine.globals):
            self._engine.remove_global(name)

    def render(self, text: str, syntax: Syntax, variables: Variables) -> str:
        """Fill in a text's variables, once; BadTemplateText if it is none, names a variable without a value, or grows too long."""
        vetted = parse_text(text, syntax)
        if not vetted.names and "{%" not in vetted.source:
            return vetted.source
        missing = sorted(vetted.names - variables.keys())
        if missing:
            raise BadTemplateText(f"names {', '.join(missing)}, for which there is no value")
        try:
            rendered = self._engine.render_str(vetted.source, **{name: plain(variables[name]) for name in vetted.names})
        except TemplateError as error:
            raise BadTemplateText(_reason(error)) from error
        except UnicodeError as error:
            raise BadTemplateText("holds half of a surrogate pair, which is no Unicode text") from error
        if len(rendered) > LONGEST_TEXT:
            raise BadTemplateText(f"grows beyond {LONGEST_TEXT} characters once its variables are filled in")
        return rendered


def _reason(error: TemplateError) -> str:
    if error.kind == "OutOfFuel":
        return f"grows beyond {LONGEST_TEXT} characters once its variables are filled in"
    return f"is no whole template: {error.detail or error.kind}"


def _spell(value: Any) -> Any:  # noqa: ANN401 - what a variable may hold
    """Spell numbers and booleans as JSON does."""
    return value if isinstance(value, str) else json.dumps(value)
