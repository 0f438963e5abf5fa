from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfare.domain.variables import MOST_BYTES, plain, variable_errors


@pytest.mark.parametrize("value", ["", "text", "ü", 0, 10**30, -1.5, True, False])
def test_texts_numbers_and_booleans_are_values(value: Any) -> None:
    assert not list(variable_errors({"a": value}, "variables"))


@pytest.mark.parametrize(
    ("variables", "field"),
    [
        ({"a": None}, "variables.a"),
        ({"a": ["b"]}, "variables.a"),
        ({"a": {"b": "c"}}, "variables.a"),
        ({"a": b"bytes"}, "variables.a"),
        ({"a": float("nan")}, "variables.a"),
        ({"a": float("inf")}, "variables.a"),
        ({"a": 10**400}, "variables.a"),
        ({"a": "\ud800"}, "variables.a"),
        ({"1a": "b"}, "variables"),
        ({"self": "b"}, "variables"),
        ({"a": "x" * MOST_BYTES}, "variables"),
        ({"a": "ü" * (MOST_BYTES // 2)}, "variables"),
        ({f"a{number}": "x" * 1_000 for number in range(5)}, "variables"),
    ],
)
def test_anything_else_is_refused_by_its_name(variables: dict[str, Any], field: str) -> None:
    assert {error.field for error in variable_errors(variables, "variables")} == {field}


def test_names_and_values_may_be_4096_bytes_together() -> None:
    assert not list(variable_errors({"ab": "x" * (MOST_BYTES - 2)}, "variables"))


@given(
    st.dictionaries(
        st.text(max_size=5), st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.binary(max_size=2), max_size=3
    )
)
def test_checking_is_total(variables: dict[str, Any]) -> None:
    assert all(error.field.startswith("defaults") for error in variable_errors(variables, "defaults"))


@pytest.mark.parametrize(
    ("value", "held"), [(2**63 - 1, 2**63 - 1), (2**63, str(2**63)), (-(2**80), str(-(2**80))), ("a", "a"), (True, True), (1.5, 1.5)]
)
def test_integer_that_no_engine_holds_becomes_its_text(value: Any, held: Any) -> None:
    assert plain(value) == held
    assert type(plain(value)) is type(held)
