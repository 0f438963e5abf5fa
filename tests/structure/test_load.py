"""The load scripts ask for routes that there are, each kind of request is driven, and what drives them stays out of the project's environment."""

from __future__ import annotations

import ast
import re

import pytest

from fanfare.web.api import build_api
from tests.load.traffic import BASE, CROWD_PATH, ROUTES
from tests.structure.source import ROOT, Module, modules_of, sample
from tests.structure.test_routes import untouchable


def kinds_asked(module: Module) -> set[str]:
    """The kinds of request that a locust file sends: the first arguments of its calls of `ask`."""
    calls = (node for node in module.nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "ask")
    return {str(call.args[0].value) for call in calls if call.args and isinstance(call.args[0], ast.Constant)}


@pytest.fixture(scope="module")
def routes() -> set[tuple[str, str]]:
    """Every method and path of the public surface."""
    return {(method, rule.rule) for rule in build_api(untouchable()).url_map.iter_rules() for method in rule.methods or ()}


def test_every_route_of_the_traffic_exists(routes: set[tuple[str, str]]) -> None:
    asked = {(method, BASE + path) for method, path in ROUTES.values()} | {("POST", CROWD_PATH)}
    assert asked - routes == set()


def test_every_kind_of_request_is_driven_and_no_other() -> None:
    (locustfile,) = (module for module in modules_of("tests/load") if module.name == "locustfile")
    assert kinds_asked(locustfile) == ROUTES.keys()


def test_a_kind_that_is_asked_for_is_seen() -> None:
    assert kinds_asked(sample("a", "def f(self):\n    self.ask('one', 200)\n    self.tell('two')\n")) == {"one"}


@pytest.mark.parametrize("lock", ["requirements.txt", "functions/requirements.txt"])
def test_locust_stays_out_of_the_environment_of_the_project(lock: str) -> None:
    locked = set(re.findall(r"^([a-z0-9-]+)==", (ROOT / lock).read_text(encoding="utf-8"), re.MULTILINE))
    assert locked
    assert locked & {"locust", "gevent", "geventhttpclient", "greenlet"} == set()
