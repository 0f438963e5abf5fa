"""docs/api.md lists every route as it is."""

from __future__ import annotations

import pytest

from tests.structure.route_table import BEGIN, DOCUMENT, END, build_table, with_table


def test_table_of_routes_is_up_to_date() -> None:
    document = DOCUMENT.read_text(encoding="utf-8")
    assert document == with_table(document), "run `make docs`"


def test_every_route_says_what_it_does() -> None:
    rows = [line.split(" | ") for line in build_table().splitlines()[2:]]
    assert [row[0] for row in rows if not row[1].strip()] == []


def test_document_without_the_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="lacks the markers"):
        with_table("# The API\n")
    assert with_table(f"a {BEGIN} old {END} b").startswith(f"a {BEGIN}\n| route |")
