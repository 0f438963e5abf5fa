"""A route's marks say what it does: `@repeatable` stands on the routes that honour `Idempotency-Key`, and on no other."""

from __future__ import annotations

import ast
from collections.abc import Iterable

import pytest

from tests.structure.source import FunctionNode, Module, modules_of, sample

HONOURS = frozenset({"once", "request_hash"})
"""What a route performs by: both bind what is done to the key and the body."""
MARK = "repeatable"
_ROUTE_METHODS = frozenset({"get", "post", "put", "patch", "delete", "route"})


def find_wrong_marks(modules: Iterable[Module]) -> list[str]:
    """Find routes whose mark and deeds differ; what a route's own module does for it counts as done by the route."""
    return [
        module.at(route.lineno, f"{route.name} is {'' if is_marked else 'not '}marked as repeatable")
        for module in modules
        for route in _routes(module)
        if (is_marked := _is_marked(route)) != _honours(route, module)
    ]


def _routes(module: Module) -> list[FunctionNode]:
    return [function for function in module.functions if any(_is_route(decorator) for decorator in function.decorator_list)]


def _is_route(decorator: ast.expr) -> bool:
    return isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Attribute) and decorator.func.attr in _ROUTE_METHODS


def _is_marked(route: FunctionNode) -> bool:
    return any(isinstance(decorator, ast.Name) and decorator.id == MARK for decorator in route.decorator_list)


def _honours(route: FunctionNode, module: Module) -> bool:
    """Follow the names that a route uses through the functions of its module."""
    defined = {node.name: node for node in module.tree.body if isinstance(node, FunctionNode)}
    reached: set[str] = set()
    waiting = [route.name]
    while waiting:
        name = waiting.pop()
        reached.add(name)
        if name in defined:
            waiting += {node.id for node in ast.walk(defined[name]) if isinstance(node, ast.Name)} - reached
    return not HONOURS.isdisjoint(reached)


def _web() -> list[Module]:
    return [module for module in modules_of("functions") if module.name.startswith("fanfare.web.")]


def test_marks_say_what_routes_do() -> None:
    assert find_wrong_marks(_web()) == []


def test_some_routes_are_repeatable() -> None:
    marked = {route.name for module in _web() for route in _routes(module) if _is_marked(route)}
    assert {"notify", "register", "create", "replay"} <= marked


@pytest.mark.parametrize(
    "text",
    [
        "@blueprint.post('/x')\ndef f():\n    return once('x', g)",
        "@blueprint.post('/x')\ndef f():\n    return g()\ndef g():\n    return once('x', h)",
        "@blueprint.post('/x')\n@authorized(A)\ndef f():\n    return accept(request_hash())",
        "@blueprint.post('/x')\n@repeatable\ndef f():\n    return g()",
        "@blueprint.get('/x')\n@repeatable\ndef f():\n    return h()\ndef g():\n    return once('x', h)",
    ],
)
def test_a_wrong_mark_is_caught(text: str) -> None:
    assert len(find_wrong_marks([sample("a", text)])) == 1


@pytest.mark.parametrize(
    "text",
    [
        "@blueprint.post('/x')\n@repeatable\ndef f():\n    return g()\ndef g():\n    return once('x', f)",
        "@blueprint.post('/x')\ndef f():\n    return g()\ndef h():\n    return once('x', f)",
        "def f():\n    return once('x', g)",
    ],
)
def test_a_right_mark_is_not_caught(text: str) -> None:
    assert find_wrong_marks([sample("a", text)]) == []
