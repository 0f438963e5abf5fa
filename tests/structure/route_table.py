"""The table of all routes, made from the routes' own marks: `python -m tests.structure.route_table` writes it into docs/api.md."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator
from typing import Any, cast

from flask import Flask

from local.settings import ROOT

sys.path.append(str(ROOT / "functions"))

from fanfare.domain.client import Scope
from fanfare.domain.limits import DEFAULT_LIMITS
from fanfare.ports import Deps
from fanfare.web.api import build_api
from fanfare.web.gate import PUBLIC, Access
from fanfare.web.stream import build_stream

DOCUMENT = ROOT / "docs" / "api.md"
BEGIN, END = "<!-- routes -->", "<!-- /routes -->"
_COLUMNS = ("route", "what it does", "who may call it", "limit group (requests a minute)", "`Idempotency-Key`")
_FRAMEWORK = frozenset({"HEAD", "OPTIONS"})


@dataclasses.dataclass(frozen=True)
class Row:
    """One method of one path."""

    path: str
    method: str
    purpose: str
    access: Access | str
    repeatable: bool

    @property
    def who(self) -> str:
        """Who may call it, in words."""
        if not isinstance(self.access, Access):
            return "everybody"
        every = set(self.access.scopes) == set(Scope)
        scopes = "any client" if every else " or ".join(f"`{scope}`" for scope in self.access.scopes)
        other = {
            "a user's ID token": self.access.users,
            "a receipt": self.access.receipts,
        }
        who = ", or ".join([scopes, *(name for name, may in other.items() if may)])
        alone = {"`X-Access-Key`": self.access.access_key, "`Authorization: Bearer <Client-Token>`": self.access.bearer_token}
        ways = [name for name, may in alone.items() if may]
        return f"{who} (also by {' or '.join(ways)})" if ways else who

    @property
    def group(self) -> str:
        """The limit that its calls count in."""
        return f"{self.access.group} ({DEFAULT_LIMITS[self.access.group]})" if isinstance(self.access, Access) else "none"

    @property
    def cells(self) -> tuple[str, ...]:
        """The row of the table."""
        return f"`{self.method} {self.path}`", self.purpose, self.who, self.group, "yes" if self.repeatable else ""


def rows_of(app: Flask) -> Iterator[Row]:
    """Every route of an app, by path and method."""
    rules = sorted(app.url_map.iter_rules(), key=lambda rule: (rule.rule, sorted(rule.methods or ())))
    for rule in rules:
        route = app.view_functions[rule.endpoint]
        purpose = (route.__doc__ or "").strip().partition("\n")[0]
        for method in sorted((rule.methods or set()) - _FRAMEWORK):
            yield Row(rule.rule, method, purpose, getattr(route, "access", PUBLIC), hasattr(route, "repeatable"))


def build_table() -> str:
    """The whole table of both public functions, as Markdown."""
    deps = Deps(**cast("Any", {field.name: object() for field in dataclasses.fields(Deps)}))
    rows = [row.cells for row in sorted([*rows_of(build_api(deps)), *rows_of(build_stream(deps))], key=lambda row: row.path)]
    lines = (_COLUMNS, tuple("---" for _ in _COLUMNS), *rows)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def with_table(document: str) -> str:
    """A document with the table between its markers; ValueError without them."""
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{DOCUMENT.name} lacks the markers {BEGIN} and {END}")
    return f"{before}{BEGIN}\n{build_table()}\n{END}{after}"


if __name__ == "__main__":
    DOCUMENT.write_text(with_table(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
