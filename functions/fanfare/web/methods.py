"""The methods of a path: those of the most special route that it matches, and of no other.

`/devices/bulk` is a path of its own: it takes POST alone, although it looks like a `/devices/<id>`.
"""

from __future__ import annotations

from collections.abc import Mapping

from flask import Flask, current_app, request
from werkzeug.exceptions import MethodNotAllowed

_EXTENSION = "fanfare.fixed_paths"


def remember_fixed_paths(app: Flask) -> None:
    """Note the paths without arguments, once all routes are there."""
    app.extensions[_EXTENSION] = fixed_paths(app)


def fixed_paths(app: Flask) -> Mapping[str, frozenset[str]]:
    """The methods of every path without arguments."""
    found: dict[str, frozenset[str]] = {}
    for rule in app.url_map.iter_rules():
        if not rule.arguments:
            found[rule.rule] = found.get(rule.rule, frozenset()) | frozenset(rule.methods or ())
    return found


def methods_of(path: str) -> list[str]:
    """The methods that a path takes, in the order of the alphabet; none if there is no such path."""
    fixed: Mapping[str, frozenset[str]] = current_app.extensions[_EXTENSION]
    return sorted(fixed.get(path) or current_app.url_map.bind("").allowed_methods(path))


def check_method() -> None:
    """Refuse a request that a path of its own does not take, before a route with arguments catches it."""
    fixed: Mapping[str, frozenset[str]] = current_app.extensions[_EXTENSION]
    methods = fixed.get(request.path)
    if methods is not None and request.method not in methods:
        raise MethodNotAllowed(sorted(methods))
