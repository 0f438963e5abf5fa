"""A request without its credential, and how it is made."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

PREFIX = "/api/v1"
ROOT = "~"
"""Begins the path of a route that does not stand below the prefix: `POST ~/reload`."""
REQUEST_ID = "walk"
"""The same for every request, so that answers can be compared to the byte."""
_ARGUMENT = re.compile(r"<([a-z_]+)>")


@dataclass(frozen=True)
class Ask:
    """The arguments of a path, the query and the JSON body of a request, or a form, or a body that is none."""

    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None
    broken: bytes | None = None
    form: Mapping[str, str] | None = None

    @property
    def said(self) -> list[object]:
        """Everything in it that may be named."""
        return [self.path, self.query, self.body, self.form]

    def with_path(self, name: str, value: str) -> Ask:
        """The same with another argument in the path."""
        return replace(self, path={**self.path, name: value})

    def with_query(self, **query: Any) -> Ask:
        """The same with more in the query."""
        return replace(self, query={**self.query, **query})


def garbled(body: Any) -> Iterator[Any]:
    """The body again and again, each time with another one of its texts spoiled: an error about it must not quote it."""
    parts = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    for key, value in parts:
        for spoiled in (f"{value}\x7f", [value], {value: value}) if isinstance(value, str) else garbled(value):
            copy = body.copy()
            copy[key] = spoiled
            yield copy


def rule_of(route: str) -> str:
    """The rule of a route such as `GET /devices/<id>`, as the app has it."""
    path = route.partition(" ")[2]
    return path.removeprefix(ROOT) if path.startswith(ROOT) else PREFIX + path


def route_of(method: str, rule: str) -> str:
    """The name of an app's rule, as doors have it."""
    return f"{method} {rule.removeprefix(PREFIX) if rule.startswith(PREFIX) else ROOT + rule}"


def arguments_of(route: str) -> list[str]:
    """The names of a path's arguments: `GET /devices/<id>` has `id`."""
    return _ARGUMENT.findall(route)


def send(phone: FlaskClient, route: str, ask: Ask, headers: Mapping[str, str], *, method: str | None = None) -> TestResponse:
    """Make a request of a route such as `GET /devices/<id>`."""
    usual = route.partition(" ")[0]
    path = _ARGUMENT.sub(lambda match: quote(ask.path[match[1]], safe=""), rule_of(route))
    options: dict[str, Any] = {} if ask.body is None else {"json": ask.body}
    if ask.form is not None:
        options = {"data": dict(ask.form), "content_type": "application/x-www-form-urlencoded"}
    if ask.broken is not None:
        options = {"data": ask.broken, "content_type": "application/json"}
    return phone.open(path, method=method or usual, query_string=ask.query, headers={"X-Request-ID": REQUEST_ID, **headers}, **options)
