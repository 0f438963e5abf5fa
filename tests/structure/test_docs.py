"""The documents tell the truth about settings, commands and files."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from tests.structure.documents import local_links, make_targets, rows, section
from tests.structure.settings_source import settings_of_functions, settings_of_stack
from tests.structure.source import ROOT, Module, modules_of, sample

_TARGET = re.compile(r"^([a-z][a-z0-9-]*):(?!=)(?:.*?## (.+))?", re.MULTILINE)
_PHONY = re.compile(r"^\.PHONY:(.*)$", re.MULTILINE)


def find_differences(real: Mapping[str, str], table: Iterable[list[str]]) -> list[str]:
    """Compare variables and defaults with a table of name, default, meaning."""
    told = {row[0]: row[1] for row in table}
    missing = [f"{name} is not documented" for name in real.keys() - told.keys()]
    unknown = [f"{name} is documented and not read" for name in told.keys() - real.keys()]
    wrong = [f"{name} has the default {real[name]}" for name in real.keys() & told.keys() if real[name] != told[name]]
    return sorted([*missing, *unknown, *wrong])


def find_unlisted(makefile: str, shown: str) -> list[str]:
    """Find phony targets of a Makefile without an explanation, and those that its help does not show."""
    explained = dict(_TARGET.findall(makefile))
    phony = [target for line in _PHONY.findall(makefile) for target in line.split()]
    listed = {line.split()[1] for line in shown.splitlines() if line.strip().startswith("make ")}
    return sorted({target for target in [*phony, *explained] if not explained.get(target) or target not in listed})


def stack_file(module: Module) -> set[str]:
    """The variables of `stack.env`: the keys of the dictionary that `create_demo` returns."""
    function = next(function for function in module.functions if function.name == "create_demo")
    returned = [node.value for node in ast.walk(function) if isinstance(node, ast.Return) and isinstance(node.value, ast.Dict)]
    return {str(key.value) for literal in returned for key in literal.keys if isinstance(key, ast.Constant)}


def _documents() -> dict[Path, str]:
    paths = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return {path: path.read_text(encoding="utf-8") for path in paths}


def _settings() -> str:
    return (ROOT / "docs/settings.md").read_text(encoding="utf-8")


def _makefile() -> str:
    return (ROOT / "Makefile").read_text(encoding="utf-8")


def test_settings_of_the_functions_are_documented() -> None:
    real = {name: setting.documented_default for name, setting in settings_of_functions().items()}
    assert find_differences(real, rows(section(_settings(), "The functions"))) == []


def test_settings_of_the_stack_are_documented() -> None:
    assert find_differences(settings_of_stack(), rows(section(_settings(), "`make run`"))) == []


def test_the_template_of_the_settings_names_each_of_them() -> None:
    template = (ROOT / ".env.example").read_text(encoding="utf-8")
    assert set(re.findall(r"^#?([A-Z][A-Z0-9_]*)=", template, re.MULTILINE)) == set(settings_of_stack())


def test_the_variables_of_the_stack_file_are_documented() -> None:
    demo = next(module for module in modules_of("local") if module.name == "demo")
    assert {row[0] for row in rows(section(_settings(), "`.local/stack.env`"))} == stack_file(demo)


def test_every_setting_has_a_meaning() -> None:
    tables = [rows(section(_settings(), heading)) for heading in ("The functions", "`make run`", "`.local/stack.env`")]
    assert [row[0] for table in tables for row in table if not all(row)] == []


def test_make_help_lists_every_target() -> None:
    shown = subprocess.run(["make", "--no-print-directory", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert find_unlisted(_makefile(), shown) == []


def test_documents_name_only_commands_that_exist() -> None:
    targets = {target for target, _ in _TARGET.findall(_makefile())}
    assert {f"{path.name}: make {target}" for path, text in _documents().items() for target in make_targets(text) - targets} == set()


def test_documents_link_only_to_files_that_exist() -> None:
    links = [(path, link) for path, text in _documents().items() for link in local_links(text)]
    assert [f"{path.name}: {link}" for path, link in links if not (path.parent / link).exists()] == []


def test_a_wrong_table_of_settings_is_caught() -> None:
    table = rows("| variable | default | meaning |\n|---|---|---|\n| `A` | `1` | a |\n| `B` | none | b |\n")
    assert find_differences({"A": "1", "B": "none"}, table) == []
    assert find_differences({"A": "2", "C": "none"}, table) == ["A has the default 2", "B is documented and not read", "C is not documented"]


def test_an_unlisted_target_is_caught() -> None:
    makefile = ".PHONY: a b c\na: ## Do a\n\t@:\nb: a\n\t@:\nc: ## Do c\n\t@:\nNAME := x\n"
    assert find_unlisted(makefile, "  make a   Do a\n") == ["b", "c"]
    assert find_unlisted(makefile.replace("b: a", "b: a ## Do b"), "  make a  Do a\n  make b  Do b\n  make c  Do c\n") == []


def test_commands_are_recognised_in_code_alone() -> None:
    text = "Run `make one` to make sure.\n\n    make two  # says three\n\n```\n$ make four-4 && make five\n```\nThese make six.\n"
    assert make_targets(text) == {"one", "two", "four-4", "five"}


def test_links_to_files_are_recognised() -> None:
    assert local_links("[a](docs/a.md#part) [b](https://example.com/b.md) [c](#part) ![d](d.png)") == ["docs/a.md", "d.png"]


def test_variables_of_the_stack_file_are_recognised() -> None:
    assert stack_file(sample("demo", "def create_demo(d):\n    return {'A': 1, 'B': {'C': 2}}")) == {"A", "B"}
