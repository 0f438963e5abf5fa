"""Every public route says who may call it; what is open to everybody is listed here."""

from __future__ import annotations

import dataclasses
from typing import Any, cast

import pytest
from flask import Flask

from fanfare.domain.client import Scope
from fanfare.ports import Deps
from fanfare.web.api import build_api
from fanfare.web.gate import PUBLIC, Access, authorized, public
from fanfare.web.stream import build_stream

OPEN = {
    "/",
    "/api/v1/docs",
    "/api/v1/docs/scalar.js",
    "/api/v1/health",
    "/api/v1/health/live",
    "/api/v1/openapi.json",
}


def untouchable() -> Deps:
    """Dependencies that nothing may touch."""
    return Deps(**cast("Any", {field.name: object() for field in dataclasses.fields(Deps)}))


@pytest.fixture(scope="module")
def api() -> Flask:
    """Build the public surface."""
    return build_api(untouchable())


def access_of(app: Flask) -> dict[str, object]:
    """Say for every route, as `METHODS path`, who may call it."""
    rules = list(app.url_map.iter_rules())
    return {f"{','.join(sorted(rule.methods or ()))} {rule.rule}": getattr(app.view_functions[rule.endpoint], "access", None) for rule in rules}


def find_undecided(app: Flask) -> list[str]:
    """Find routes without a decision, or with one that is neither `public` nor scopes."""
    return sorted(route for route, access in access_of(app).items() if access != PUBLIC and not _is_scopes(access))


def find_open(app: Flask) -> set[str]:
    """Find the paths that everybody may call."""
    return {route.partition(" ")[2] for route, access in access_of(app).items() if access == PUBLIC}


def _is_scopes(access: object) -> bool:
    return isinstance(access, Access) and bool(access.scopes) and all(isinstance(scope, Scope) for scope in access.scopes)


def test_every_route_has_an_authentication_decision(api: Flask) -> None:
    assert len(access_of(api)) > len(OPEN)
    assert find_undecided(api) == []


def test_no_other_route_than_these_is_open(api: Flask) -> None:
    assert find_open(api) == OPEN


def test_the_stream_has_an_authentication_decision_and_nothing_beside_it_is_open() -> None:
    stream = build_stream(untouchable())
    assert access_of(stream).keys() == {"GET,HEAD,OPTIONS /api/v1/events/stream"}
    assert find_undecided(stream) == []
    assert find_open(stream) == set()


def test_an_undecided_route_is_caught() -> None:
    app = Flask("sample", static_folder=None)

    def forgotten() -> str:
        return ""

    def misspelt() -> str:
        return ""

    vars(misspelt)["access"] = "publik"
    app.add_url_rule("/forgotten", view_func=forgotten)
    app.add_url_rule("/misspelt", view_func=misspelt, methods=["POST"])
    app.add_url_rule("/open", "open", public(lambda: ""))
    app.add_url_rule("/closed", "closed", authorized(Scope.READ)(lambda: ""))
    assert find_undecided(app) == ["GET,HEAD,OPTIONS /forgotten", "OPTIONS,POST /misspelt"]
    assert find_open(app) == {"/open"}
