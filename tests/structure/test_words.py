"""Names that say nothing, work left undone, and modules that hide the standard library's."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from tests.structure.source import ROOT, Module, modules_of, sample

EMPTY_WORDS = ("Manager", "Helper", "Helpers", "Util", "Utils", "Base", "Impl")
EMPTY_FILES = frozenset({"utils", "util", "common", "constants", "helpers", "helper", "misc"})
OURS = ("functions", "local", "ops", "sdk", "console", "infra", "tests", "examples", ".github", ".ci")
CODE = frozenset({".py", ".sh", ".mjs", ".js", ".ts", ".css", ".html", ".php", ".tf", ".rules", ".yaml", ".yml", ".toml"})
# Put together here, so that this file does not hold what it looks for.
UNDONE = re.compile(r"\b(?:" + "|".join(["TO" + "DO", "FIX" + "ME", "XX" + "X", "Not" + "ImplementedError", "for" + " now"]) + r")\b")


def find_empty_names(modules: Iterable[Module]) -> list[str]:
    """Find classes that are named by a word that fits anything, at the end or at the beginning."""
    return [
        module.at(found.lineno, f"{found.name} says nothing")
        for module in modules
        for found in module.classes
        if found.name.lstrip("_").endswith(EMPTY_WORDS) or found.name.lstrip("_").startswith(("Base", "Abstract"))
    ]


def find_empty_files(modules: Iterable[Module]) -> list[str]:
    """Find modules and packages that are drawers for anything."""
    return [module.at(1, "says nothing by its name") for module in modules if EMPTY_FILES & set(module.name.split("."))]


def find_undone(name: str, text: str) -> list[str]:
    """Find work that somebody put off."""
    return [f"{name}:{number}: {line.strip()}" for number, line in enumerate(text.splitlines(), 1) if UNDONE.search(line)]


def find_hidden_modules(modules: Iterable[Module]) -> list[str]:
    """Find top-level modules named like the standard library's: the source folder is at the *end* of `sys.path`, so ours would be hidden."""
    return sorted({module.name.partition(".")[0] for module in modules} & sys.stdlib_module_names)


def _code() -> Iterator[Path]:
    for folder in OURS:
        below = (path for path in (ROOT / folder).rglob("*") if path.suffix in CODE and path.is_file())
        yield from (path for path in below if not {"node_modules", "vendor", "__pycache__"} & set(path.parts))
    yield from (ROOT / name for name in ("Makefile", "Dockerfile", "compose.yaml", "pyproject.toml", "firestore.rules") if (ROOT / name).is_file())


def _all() -> list[Module]:
    return [module for folder in ("functions", "local", "ops", "sdk") for module in modules_of(folder)]


def test_class_names_say_what_a_thing_is() -> None:
    assert find_empty_names(_all()) == []


def test_file_names_say_what_they_hold() -> None:
    assert find_empty_files(_all()) == []


def test_nothing_is_left_undone() -> None:
    assert [found for path in _code() for found in find_undone(str(path.relative_to(ROOT)), path.read_text(encoding="utf-8"))] == []


def test_no_module_hides_behind_the_standard_library() -> None:
    assert find_hidden_modules(modules_of("functions")) == []


@pytest.mark.parametrize("name", ["DeviceManager", "Helper", "StringUtils", "BaseStore", "AbstractStore", "StoreBase", "_StoreImpl"])
def test_an_empty_class_name_is_caught(name: str) -> None:
    assert find_empty_names([sample("a", f"def f():\n    class {name}: ...")]) != []


@pytest.mark.parametrize("name", ["fanfare.utils", "fanfare.web.common", "fanfare.helpers.text", "constants"])
def test_an_empty_file_name_is_caught(name: str) -> None:
    assert find_empty_files([sample(name, "")]) != []


@pytest.mark.parametrize("text", ["# TO" + "DO: later", "raise Not" + "ImplementedError", "x = 1  # good enough for" + " now", "// FIX" + "ME"])
def test_undone_work_is_caught(text: str) -> None:
    assert find_undone("a.py", f"fine\n{text}") == [f"a.py:2: {text}"]


@pytest.mark.parametrize("text", ["a mastodon", "the moment before nowhere", "XXXL"])
def test_other_words_are_not_caught(text: str) -> None:
    assert find_undone("a.py", text) == []


def test_a_hidden_module_is_caught() -> None:
    assert find_hidden_modules([sample("http.errors", ""), sample("queue", ""), sample("fanfare.http", "")]) == ["http", "queue"]
