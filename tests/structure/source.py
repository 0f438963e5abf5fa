"""The project's source as the structure tests read it: modules, their imports, and the names that they refer to."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)


@dataclass(frozen=True)
class Import:
    """One imported thing by its whole dotted name; `indented` means inside a function or class."""

    name: str
    line: int
    indented: bool


@dataclass(frozen=True)
class Reference:
    """A name that the code uses, spelled out through its imports: `dt.now` is `datetime.datetime.now`."""

    name: str
    line: int


@dataclass(frozen=True)
class Module:
    """One source file. `name` is dotted (`fanfare.domain.chunk`), `path` is for messages."""

    name: str
    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """The parsed text."""
        return ast.parse(self.text)

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        """Every node, walked once for all rules."""
        return tuple(ast.walk(self.tree))

    @cached_property
    def imports(self) -> tuple[Import, ...]:
        """Every import, those that only the type checker sees included."""
        return tuple(_imports(self.tree, indented=False))

    @cached_property
    def references(self) -> tuple[Reference, ...]:
        """Every use of an imported name or a builtin, and every import; a variable that is named like a module is neither."""
        bound = {name: name for name in dir(builtins)} | dict(
            pair for node in self.nodes if isinstance(node, ast.Import | ast.ImportFrom) for pair in _bindings(node)
        )
        chains = ((node, _chain(node)) for node in self.nodes if isinstance(node, ast.Name | ast.Attribute))
        used = (Reference(".".join([bound[chain[0]], *chain[1:]]), node.lineno) for node, chain in chains if chain and chain[0] in bound)
        return (*(Reference(found.name, found.line) for found in self.imports), *used)

    @cached_property
    def functions(self) -> tuple[FunctionNode, ...]:
        """Every function and method, nested ones included."""
        return tuple(node for node in self.nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))

    @cached_property
    def classes(self) -> tuple[ast.ClassDef, ...]:
        """Every class."""
        return tuple(node for node in self.nodes if isinstance(node, ast.ClassDef))

    def at(self, line: int, message: str) -> str:
        """Word a violation so that an editor can jump to it."""
        return f"{self.path}:{line}: {message}"


def sample(name: str, text: str) -> Module:
    """Make a module of a small text, for the tests of the rules themselves."""
    return Module(name, f"{name}.py", text)


@cache
def modules_of(folder: str) -> tuple[Module, ...]:
    """Every Python file below a folder of the checkout; none if there is no such folder."""
    return tuple(_read(path, ROOT / folder) for path in sorted((ROOT / folder).rglob("*.py")))


def is_within(name: str, prefix: str) -> bool:
    """Tell whether a dotted name is the prefix or below it."""
    return name == prefix or name.startswith(f"{prefix}.")


def _read(path: Path, folder: Path) -> Module:
    parts = path.relative_to(folder).with_suffix("").parts
    name = ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)
    return Module(name, str(path.relative_to(ROOT)), path.read_text(encoding="utf-8"))


def _imports(parent: ast.AST, *, indented: bool) -> Iterator[Import]:
    for node in ast.iter_child_nodes(parent):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from (Import(name, node.lineno, indented) for name in _names(node))
        elif isinstance(node, ast.stmt):
            yield from _imports(node, indented=indented or isinstance(node, _SCOPES))
        elif isinstance(node, ast.ExceptHandler | ast.match_case):
            yield from _imports(node, indented=indented)


def _names(node: ast.Import | ast.ImportFrom) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    # A relative import keeps its dots, so that no rule mistakes it for a permitted name.
    origin = "." * node.level + (node.module or "")
    return [f"{origin}.{alias.name}" for alias in node.names]


def _bindings(node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, str]]:
    for alias, name in zip(node.names, _names(node), strict=True):
        if isinstance(node, ast.ImportFrom) or alias.asname:
            yield alias.asname or alias.name, name
        else:
            root = alias.name.partition(".")[0]
            yield root, root


def _chain(node: ast.expr) -> list[str]:
    """The dotted parts of `a.b.c`; empty for an attribute of anything else than a name."""
    if isinstance(node, ast.Name):
        return [node.id]
    inner = _chain(node.value) if isinstance(node, ast.Attribute) else []
    return [*inner, node.attr] if isinstance(node, ast.Attribute) and inner else []
