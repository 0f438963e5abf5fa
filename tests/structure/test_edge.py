"""What must never be deployed: a debugger, and anything that a browser sends by itself as a credential."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from tests.structure.source import ROOT, Module, modules_of, sample

_DEBUGGER = re.compile(r"--debug\b|\bFLASK_DEBUG\b|\bFLASK_ENV\b|\bWERKZEUG_DEBUG|\bDEBUG\s*[=:]\s*[\"']?(?:1|true|yes|on)\b", re.IGNORECASE)
_SWITCHES = frozenset({"debug", "testing", "DEBUG", "TESTING", "PROPAGATE_EXCEPTIONS", "TRAP_HTTP_EXCEPTIONS"})
_AMBIENT = re.compile(r"(?:^|\.)(?:cookies|session|set_cookie|secret_key|session_cookie_name)$")
_EXPLAINED = {"functions/fanfare/config.py", "docs/settings.md"}
"""Where the switches are named because they are refused."""
_DEPLOYED = ("functions/**/*", "infra/**/*", "Makefile", "Dockerfile", "compose.yaml", ".github/**/*", "firebase.json", "local/**/*.py", ".ci/*")


def find_switches(modules: Iterable[Module]) -> list[str]:
    """Find assignments that switch debugging or the passing on of exceptions on, and servers that an app starts by itself."""
    return [module.at(node.lineno, "switches debugging on") for module in modules for node in module.nodes if _is_switch(node)]


def _is_switch(node: ast.AST) -> bool:
    if isinstance(node, ast.Assign):
        return any(switched != "off" for target in node.targets for switched in _switched(target, node.value))
    if isinstance(node, ast.keyword):
        return node.arg in _SWITCHES and not _is_false(node.value)
    return isinstance(node, ast.Attribute) and node.attr in {"run_simple", "DebuggedApplication"}


def _switched(target: ast.expr, value: ast.expr) -> list[str]:
    """Say of each switch that an assignment moves where it goes: `off`, or anything else."""
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        return [state for pair in zip(target.elts, value.elts, strict=True) for state in _switched(*pair)]
    name = target.attr if isinstance(target, ast.Attribute) else None
    if isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant):
        name = target.slice.value
    return ["off" if _is_false(value) else "on"] if name in _SWITCHES else []


def _is_false(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is False


def find_ambient(modules: Iterable[Module]) -> list[str]:
    """Find uses of cookies and sessions."""
    return [
        module.at(node.lineno, f"uses {node.attr}")
        for module in modules
        for node in module.nodes
        if isinstance(node, ast.Attribute) and _AMBIENT.search(node.attr)
    ] + [module.at(found.line, f"imports {found.name}") for module in modules for found in module.imports if found.name == "flask.session"]


def find_debugging_words(files: Mapping[str, str]) -> list[str]:
    """Find the words that start a server with a debugger."""
    return sorted(f"{name}: {found[0]}" for name, text in files.items() for found in _DEBUGGER.finditer(text))


def _deployed() -> dict[str, str]:
    paths = {path for pattern in _DEPLOYED for path in ROOT.glob(pattern) if path.is_file() and "__pycache__" not in path.parts}
    return {_name(path): path.read_text(encoding="utf-8", errors="replace") for path in paths if _name(path) not in _EXPLAINED}


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_nothing_switches_debugging_on() -> None:
    assert find_switches(modules_of("functions")) == []


def test_nothing_that_is_deployed_starts_a_debugger() -> None:
    assert {"functions/main.py", "Makefile", "local/functions.py"} <= _deployed().keys()
    assert find_debugging_words(_deployed()) == []


def test_no_cookie_and_no_session_is_used() -> None:
    assert find_ambient(modules_of("functions")) == []


@pytest.mark.parametrize(
    "text",
    [
        "app.debug = True",
        "app.debug, x = True, False",
        "app.debug = flag",
        "app.config['PROPAGATE_EXCEPTIONS'] = True",
        "app.testing = True",
        "app.run(debug=True)",
        "f(DEBUG=1)",
        "serving.run_simple(a)",
        "import werkzeug\nwerkzeug.debug.DebuggedApplication(app)",
    ],
)
def test_a_switch_is_caught(text: str) -> None:
    assert find_switches([sample("a", text)]) != []


@pytest.mark.parametrize("text", ["app.debug = False", "app.debug, x = False, True", "f(debug=False)", "app.config['PROPAGATE_EXCEPTIONS'] = False"])
def test_switching_off_is_not_caught(text: str) -> None:
    assert find_switches([sample("a", text)]) == []


@pytest.mark.parametrize(
    "text", ["request.cookies.get('x')", "response.set_cookie('x')", "app.secret_key = 'x'", "from flask import session", "flask.session['x']"]
)
def test_what_a_browser_sends_by_itself_is_caught(text: str) -> None:
    assert find_ambient([sample("a", text)]) != []


@pytest.mark.parametrize("text", ["functions-framework --debug", "FLASK_DEBUG=1", "DEBUG=true", 'DEBUG: "1"', "export FLASK_ENV=development"])
def test_a_debuggers_word_is_caught(text: str) -> None:
    assert find_debugging_words({"a": text}) != []


def test_other_words_are_not_caught() -> None:
    assert find_debugging_words({"a": "LOG_LEVEL=DEBUG, debug: false, --debugger-free, DEBUG=0"}) == []
