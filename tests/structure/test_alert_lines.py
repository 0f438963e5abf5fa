"""What alerts and metrics read out of log lines stands in them: a label that no line has would be empty on the day it is needed."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from tests.structure.infra_source import tables
from tests.structure.source import Module, modules_of, sample

OF_ERRORS = frozenset({"error"})
"""What the log itself adds to an error's line."""


def fields_of_lines(modules: Iterable[Module]) -> Iterator[tuple[str, frozenset[str]]]:
    """Every place that writes a line: its word, and the fields that it gives."""
    for call in (node for module in modules for node in ast.walk(module.tree) if isinstance(node, ast.Call)):
        if isinstance(call.func, ast.Attribute) and call.func.attr in {"info", "warning", "error"} and ast.unparse(call.func.value).endswith("log"):
            given = frozenset(keyword.arg for keyword in call.keywords if keyword.arg)
            if call.args and isinstance(call.args[0], ast.Constant):
                yield str(call.args[0].value), given | (OF_ERRORS if call.func.attr == "error" else frozenset())


def find_empty_labels(wanted: dict[str, set[str]], modules: Iterable[Module]) -> list[str]:
    """Find labels that some place which writes the line does not fill."""
    return [f"{word}: {name}" for word, fields in fields_of_lines(modules) for name in sorted(wanted.get(word, set()) - fields)]


def test_every_line_has_the_fields_that_alerts_and_metrics_read() -> None:
    labels = {word: set(row["labels"]) for table in ("alarming_lines", "counted_lines") for word, row in tables()[table].items()}
    wanted = {**labels, **{word: labels[word] | set(tables()["alarming_lines"][word]["labels"]) for word in tables()["alarming_lines"]}}
    assert find_empty_labels({**wanted, "chunk_delivered": set(tables()["measured_chunks"])}, modules_of("functions")) == []


def test_every_alarming_line_is_found() -> None:
    assert set(tables()["alarming_lines"]) - {word for word, _ in fields_of_lines(modules_of("functions"))} == set()


def test_an_empty_label_is_found() -> None:
    modules = [sample("a", 'deps.log.warning("gone", tenant=1)\nself._log.error("gone", error=e)\nother.warning("gone")')]
    assert find_empty_labels({"gone": {"tenant"}, "error": {"x"}}, modules) == ["gone: tenant"]
