"""The language of templates: what may stand in a text, and nothing more.

| syntax   | in a text                                                                                    |
|----------|----------------------------------------------------------------------------------------------|
| `double` | `{{ name }}`, `{{ name|upper }}` (FILTERS), `{% if name %}`, `{% if not name %}`, `{% if name == "text" %}` (also != < > <= >=, |
|          | and numbers), `{% elif … %}`, `{% else %}`, `{% endif %}`                                    |
| `single` | `{name}`; a brace stands around a name only                                                  |

A text is vetted before any engine sees it: an engine of templates has loops, macros and nested expressions, with which a few characters burn the
processor, fill the memory or overflow the stack. What is allowed here costs no more than the text and its values are long.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

LONGEST_TEXT = 4_096
"""Characters of a text, before and after its variables are filled in: FCM takes no message of more bytes."""
MOST_TAGS = 100
FILTERS = ("capitalize", "lower", "title", "trim", "upper")
RESERVED = frozenset(
    {"and", "else", "endif", "false", "if", "elif", "in", "is", "loop", "none", "not", "or", "self", "true", "False", "None", "True"}
)
"""Words of the language, which no variable can be named."""

_NAME = r"[A-Za-z_][A-Za-z0-9_]{0,63}"
_LITERAL = r"""(?:"[^"'\\{}%#]*"|'[^"'\\{}%#]*'|-?[0-9]{1,15}(?:\.[0-9]{1,15})?)"""
_OUTPUT = rf"\{{\{{ *(?P<printed>{_NAME})(?: *\| *(?:{'|'.join(FILTERS)}))? *\}}\}}"
_CONDITION = rf"\{{% *(?:if|elif) +(?:not +)?(?P<tested>{_NAME})(?: *(?:==|!=|<=|>=|<|>) *{_LITERAL})? *%\}}"
_TAG = re.compile(rf"{_OUTPUT}|{_CONDITION}|\{{% *(?:else|endif) *%\}}")
_OPENING = re.compile(r"\{[{%#]")
_SINGLE_TAG = re.compile(rf"\{{(?P<printed>{_NAME})\}}")
_BRACE = re.compile(r"[{}]")
_IS_NAME = re.compile(_NAME).fullmatch


class Syntax(StrEnum):
    """How a text names its variables; never both ways in one template."""

    DOUBLE = "double"
    SINGLE = "single"


@dataclass(frozen=True, slots=True)
class TemplateText:
    """A vetted text: `source` in the double syntax, and the variables that it names."""

    source: str
    names: frozenset[str]


class BadTemplateText(ValueError):
    """The text is not of the language; its message says what is wrong and where, and can be shown to anybody who may see the text."""


def parse_text(text: str, syntax: Syntax) -> TemplateText:
    """Vet a text; BadTemplateText if it holds anything but what the table allows. Takes time in proportion to the text."""
    if len(text) > LONGEST_TEXT:
        raise BadTemplateText(f"has more than {LONGEST_TEXT} characters")
    tags = list(_double_tags(text) if syntax is Syntax.DOUBLE else _single_tags(text))
    if len(tags) > MOST_TAGS:
        raise BadTemplateText(f"has more than {MOST_TAGS} variables and conditions")
    names = frozenset(name for name in tags if name)
    for name in sorted(names & RESERVED):
        raise BadTemplateText(f"names a variable {name}, which is a word of the language")
    return TemplateText(text if syntax is Syntax.DOUBLE else _SINGLE_TAG.sub(r"{{\g<printed>}}", text), names)


def is_variable_name(text: str) -> bool:
    """Tell whether a variable may have this name."""
    return _IS_NAME(text) is not None and text not in RESERVED


def _double_tags(text: str) -> Iterator[str]:
    """The name that each tag uses, in their order; empty for `else` and `endif`."""
    position = 0
    while (opening := _OPENING.search(text, position)) is not None:
        tag = _TAG.match(text, opening.start())
        if tag is None:
            raise BadTemplateText(f"holds something at character {opening.start() + 1} that is neither a variable nor a condition")
        yield tag["printed"] or tag["tested"] or ""
        position = tag.end()


def _single_tags(text: str) -> Iterator[str]:
    position = 0
    while (brace := _BRACE.search(text, position)) is not None:
        tag = _SINGLE_TAG.match(text, brace.start())
        if tag is None:
            raise BadTemplateText(f"holds a brace at character {brace.start() + 1} that does not stand around a variable's name")
        yield tag["printed"]
        position = tag.end()
