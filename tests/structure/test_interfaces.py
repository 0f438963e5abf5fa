"""What every public name says of itself: a docstring, and the types of what goes in and comes out."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

import pytest

from tests.structure.source import FunctionNode, Module, modules_of, sample

Documented = ast.ClassDef | FunctionNode


def find_undocumented(modules: Iterable[Module]) -> list[str]:
    """Find public classes and functions of modules, and public methods of public classes, without a docstring."""
    return [
        module.at(node.lineno, f"{node.name} has no docstring")
        for module in modules
        for node in _public(module.tree.body)
        if not ast.get_docstring(node) and not _is_overload(node)
    ]


def find_unannotated(modules: Iterable[Module]) -> list[str]:
    """Find functions, private and nested ones included, with an argument or a result of no stated type."""
    return [
        module.at(function.lineno, f"{function.name} is not fully annotated")
        for module in modules
        for function in module.functions
        if function.returns is None or any(argument.annotation is None for argument in _arguments(function))
    ]


def _public(body: Iterable[ast.stmt]) -> Iterator[Documented]:
    for node in body:
        if isinstance(node, Documented) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from _public(node.body)
        elif isinstance(node, ast.If | ast.Try):
            yield from _public([*node.body, *node.orelse])


def _is_overload(node: Documented) -> bool:
    return any(isinstance(decorator, ast.Name) and decorator.id == "overload" for decorator in node.decorator_list)


def _arguments(function: FunctionNode) -> list[ast.arg]:
    arguments = function.args
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    rest = [found for found in (arguments.vararg, arguments.kwarg) if found]
    return [argument for argument in [*named, *rest] if argument.arg not in {"self", "cls"}]


def test_public_names_are_documented() -> None:
    assert find_undocumented(modules_of("functions")) == []


def test_functions_are_fully_annotated() -> None:
    assert find_unannotated(modules_of("functions")) == []


@pytest.mark.parametrize(
    "text",
    [
        "def f() -> None: ...",
        "async def f() -> None: ...",
        "class C: ...",
        'class C:\n    """A class."""\n    def f(self) -> None: ...',
        'class C:\n    """A class."""\n    class D: ...',
        "if True:\n    def f() -> None: ...",
    ],
)
def test_an_undocumented_name_is_caught(text: str) -> None:
    assert find_undocumented([sample("a", text)]) != []


def test_private_names_and_nested_functions_need_no_docstring() -> None:
    text = 'def _f(): ...\nclass _C:\n    def f(self): ...\ndef g():\n    """Say."""\n    def h(): ...'
    assert find_undocumented([sample("a", text)]) == []


@pytest.mark.parametrize(
    "text",
    [
        "def f(): ...",
        "def f(a) -> None: ...",
        "def f(*, a) -> None: ...",
        "def f(*rest) -> None: ...",
        "def f(**rest) -> None: ...",
        "class C:\n    def __init__(self): ...",
        "def f() -> None:\n    def _g(a) -> None: ...",
    ],
)
def test_a_missing_type_is_caught(text: str) -> None:
    assert find_unannotated([sample("a", text)]) != []
