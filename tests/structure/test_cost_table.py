"""What docs/performance.md says about money is what `make cost` prints."""

from __future__ import annotations

from tests.bench.cost import DOCUMENT, GOAL, MARKER, main, promised, report


def find_section(text: str, name: str) -> str:
    """What stands between a benchmark's markers."""
    return text.partition(f"<!-- {name} -->\n")[2].partition(f"\n<!-- /{name} -->")[0]


def test_the_table_of_costs_is_up_to_date() -> None:
    assert find_section(DOCUMENT.read_text(encoding="utf-8"), MARKER) == report()


def test_the_printed_total_for_a_million_recipients_reaches_the_goal() -> None:
    (first,) = (line for line in report().splitlines() if line.startswith("| Fanfare, Standard, multi-region"))
    printed = float(first.rpartition("**")[0].rpartition("**")[2])
    assert printed == round(promised(), 4) <= GOAL
    assert main([]) == 0


def test_a_section_is_what_stands_between_its_markers() -> None:
    assert find_section("a\n<!-- x -->\nb\nc\n<!-- /x -->\nd", "x") == "b\nc"
    assert find_section("a", "x") == ""
