"""The project's Markdown as the structure tests read it."""

from __future__ import annotations

import re
from collections.abc import Iterator

_CODE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_COMMAND = re.compile(r"\bmake ([a-z][a-z0-9-]*)")


def section(text: str, heading: str) -> str:
    """The text below a heading of level two, up to the next one; empty if there is no such heading."""
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True)).get(heading, "")


def rows(text: str) -> list[list[str]]:
    """The cells of the first table, without its heading and with code marks removed where a cell is nothing but code."""
    lines = [line.strip() for line in text.splitlines() if line.strip().startswith("|")]
    return [[_plain(cell.strip()) for cell in line.strip("|").split("|")] for line in lines[2:]]


def make_targets(text: str) -> set[str]:
    """Every target of `make` that the text names as code; prose about things that make a difference names none."""
    return {target for code in _code(text) for target in _COMMAND.findall(code)}


def local_links(text: str) -> list[str]:
    """Every link to a file of the checkout, without its fragment."""
    targets = (link.partition("#")[0] for link in _LINK.findall(text))
    return [target for target in targets if target and "://" not in target and not target.startswith("mailto:")]


def _code(text: str) -> Iterator[str]:
    fenced = False
    for line in text.splitlines():
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif fenced or line.startswith("    "):
            yield line
        else:
            yield from _CODE.findall(line)


def _plain(cell: str) -> str:
    return cell[1:-1] if _CODE.fullmatch(cell) else cell
