"""How large things may grow (docs/architecture.md): a file or function past its limit holds two ideas."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median

from tests.structure.source import FunctionNode, Module, modules_of, sample

LONGEST_FILE = 300
LONGEST_FUNCTION = 50
MEDIAN_FILE = 70
MEDIAN_FUNCTION = 8
FOLDERS = ("functions", "local", "ops", "sdk")


def find_long_files(modules: Iterable[Module]) -> list[str]:
    """Find files over the limit."""
    return [module.at(1, f"has {_lines(module)} lines") for module in modules if _lines(module) > LONGEST_FILE]


def find_long_functions(modules: Iterable[Module]) -> list[str]:
    """Find functions over the limit."""
    return [
        module.at(function.lineno, f"{function.name} has {_length(function)} lines")
        for module in modules
        for function in module.functions
        if _length(function) > LONGEST_FUNCTION
    ]


def median_file(modules: Iterable[Module]) -> float:
    """The median length of the files that hold something."""
    return median(_lines(module) for module in modules if module.text.strip())


def median_function(modules: Iterable[Module]) -> float:
    """The median length of the functions, methods and nested functions included."""
    return median(_length(function) for module in modules for function in module.functions)


def _lines(module: Module) -> int:
    return len(module.text.splitlines())


def _length(function: FunctionNode) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


def _all() -> list[Module]:
    return [module for folder in FOLDERS for module in modules_of(folder)]


def _function_of(lines: int) -> str:
    return "def f():\n" + "    x = 1\n" * (lines - 1)


def test_no_file_is_too_long() -> None:
    assert find_long_files(_all()) == []


def test_no_function_is_too_long() -> None:
    assert find_long_functions(_all()) == []


def test_files_are_short_in_the_middle() -> None:
    assert median_file(modules_of("functions")) <= MEDIAN_FILE


def test_functions_are_short_in_the_middle() -> None:
    assert median_function(modules_of("functions")) <= MEDIAN_FUNCTION


def test_a_long_file_is_caught() -> None:
    assert find_long_files([sample("a", "x = 1\n" * LONGEST_FILE)]) == []
    assert find_long_files([sample("a", "x = 1\n" * (LONGEST_FILE + 1))]) == ["a.py:1: has 301 lines"]


def test_a_long_function_is_caught_wherever_it_stands() -> None:
    method = "class C:\n" + "".join(f"    {line}\n" for line in _function_of(LONGEST_FUNCTION + 1).splitlines())
    assert find_long_functions([sample("a", _function_of(LONGEST_FUNCTION))]) == []
    assert find_long_functions([sample("a", method)]) == ["a.py:2: f has 51 lines"]


def test_medians_count_files_and_functions_and_no_empty_files() -> None:
    modules = [sample("a", ""), sample("b", _function_of(4)), sample("c", _function_of(20)), sample("d", _function_of(20))]
    assert (median_file(modules), median_function(modules)) == (20, 20)
