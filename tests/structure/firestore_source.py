"""What the Firestore stores write and ask for, read from their source."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tests.structure.source import FunctionNode, Module

# What makes bytes or long text of a value.
_BLOB_CALLS = frozenset({"encrypt", "seal", "dumps", "pack_recipients", "pack_results"})
# What is summed is read from an index too.
_QUERY_CALLS = frozenset({"FieldFilter", "order_by", "sum"})


@dataclass(frozen=True)
class Written:
    """A field of a document that a function of a store writes: `function` is `module.name`."""

    function: str
    field: str
    line: int
    blob: bool
    expiry: bool


def written_fields(modules: Iterable[Module]) -> Iterator[Written]:
    """Every field of every document literal; one is a document if it says its version or holds a blob."""
    for module in modules:
        for function in module.functions:
            for literal in _outer_literals(function):
                name = f"{module.name.rpartition('.')[2]}.{function.name}"
                yield from _fields(name, literal, function)


def documents(modules: Iterable[Module]) -> set[str]:
    """Name the functions that write documents."""
    fields = list(written_fields(modules))
    return {found.function for found in fields if found.field == "v" or found.blob or found.expiry}


def queried_fields(module: Module) -> set[str]:
    """Every field that a module filters or orders by, where it is named literally; rows for `read_page` and what `read_newest` adds included."""
    calls = [node for node in module.nodes if isinstance(node, ast.Call)]
    named = {_text(call.args[0]) for call in calls if _called(call) in _QUERY_CALLS and call.args}
    pages = [
        function
        for function in module.functions
        if any(isinstance(node, ast.Call) and _called(node) in {"read_page", "read_newest"} for node in ast.walk(function))
    ]
    rows = {_text(node.elts[0]) for function in pages for node in ast.walk(function) if isinstance(node, ast.Tuple) and len(node.elts) > 1}
    by_time = {"bucket"} if any(_called(call) == "read_newest" for call in calls) else set()
    return {name for name in named | rows if name} | by_time


def _outer_literals(function: FunctionNode) -> list[ast.Dict]:
    literals = [node for node in ast.walk(function) if isinstance(node, ast.Dict)]
    inner = {id(node) for literal in literals for node in ast.walk(literal) if node is not literal}
    return [literal for literal in literals if id(literal) not in inner]


def _fields(name: str, literal: ast.Dict, function: FunctionNode) -> Iterator[Written]:
    for key, value in zip(literal.keys, literal.values, strict=True):
        field = _text(key)
        if field:
            expiry = field == "expires_at" and isinstance(value, ast.BinOp)
            yield Written(name, field, literal.lineno, _is_blob(value, function) or _is_array_of_maps(value), expiry)


def _is_blob(value: ast.expr, function: FunctionNode) -> bool:
    if isinstance(value, ast.IfExp):
        return _is_blob(value.body, function) or _is_blob(value.orelse, function)
    if isinstance(value, ast.Name):
        assigned = (node.value for node in ast.walk(function) if isinstance(node, ast.Assign) and _assigns(node, value.id))
        return _is_bytes_argument(value.id, function) or any(_is_blob(found, function) for found in assigned)
    return isinstance(value, ast.Call) and _called(value) in _BLOB_CALLS


def _assigns(node: ast.Assign, name: str) -> bool:
    return any(isinstance(target, ast.Name) and target.id == name for target in node.targets)


def _is_bytes_argument(name: str, function: FunctionNode) -> bool:
    arguments = [*function.args.args, *function.args.kwonlyargs]
    annotations = (argument.annotation for argument in arguments if argument.arg == name and argument.annotation)
    return any(isinstance(node, ast.Name) and node.id == "bytes" for annotation in annotations for node in ast.walk(annotation))


def _is_array_of_maps(value: ast.expr) -> bool:
    elements = [value.elt] if isinstance(value, ast.ListComp) else value.elts if isinstance(value, ast.List) else []
    return any(isinstance(element, ast.Dict) or (isinstance(element, ast.Call) and _called(element) in {"dict", "asdict"}) for element in elements)


def _called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else call.func.id if isinstance(call.func, ast.Name) else ""


def _text(node: ast.expr | None) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
