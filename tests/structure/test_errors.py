"""Error codes are permanent: each has one status, one meaning and one row in docs/errors.md."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterable, Mapping
from http import HTTPStatus

from fanfare.domain import errors
from fanfare.domain.errors import Conflict, FanfareError, NotFound
from fanfare.web.problems import HTTP_CODES, STATUS
from tests.structure.documents import rows
from tests.structure.source import ROOT, Module, modules_of, sample


def refusals() -> set[type[FanfareError]]:
    """Every refusal of the domain."""
    classes = {found for _, found in inspect.getmembers(errors, inspect.isclass)}
    return {found for found in classes if issubclass(found, FanfareError)} - {FanfareError}


def find_without_own_code(classes: Iterable[type[FanfareError]]) -> list[str]:
    """Find refusals that state no code of their own or share one."""
    found = list(classes)
    codes = [refusal.code for refusal in found]
    return sorted(refusal.__name__ for refusal in found if "code" not in vars(refusal) or codes.count(refusal.code) > 1)


def find_undocumented(status: Mapping[str, int], documented: Iterable[tuple[str, str]]) -> list[str]:
    """Compare codes and statuses with the documented ones: what is missing, unknown, told twice or told wrongly."""
    real = [(code, str(number)) for code, number in status.items()]
    told = list(documented)
    return sorted({f"{code} {number}" for code, number in [*real, *told] if real.count((code, number)) != 1 or told.count((code, number)) != 1})


def find_literal_codes(modules: Iterable[Module]) -> set[str]:
    """Find the codes that are given to `problem(status, code, detail)` literally."""
    calls = [node for module in modules for node in module.nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    return {str(call.args[1].value) for call in calls if _is_problem(call) and isinstance(call.args[1], ast.Constant)}


def _is_problem(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Name) and call.func.id == "problem" and len(call.args) > 1


def _statuses() -> dict[str, int]:
    by_http = {code: status.value for status, code in HTTP_CODES.items()}
    return by_http | {refusal.code: status.value for refusal, status in STATUS.items()}


def _documented() -> list[list[str]]:
    return rows((ROOT / "docs/errors.md").read_text(encoding="utf-8"))


def test_every_refusal_has_a_status() -> None:
    assert set(STATUS) == refusals()


def test_every_refusal_has_a_code_of_its_own() -> None:
    assert find_without_own_code(refusals()) == []


def test_one_code_never_has_two_statuses() -> None:
    shared = {refusal.code: status for refusal, status in STATUS.items() if refusal.code in HTTP_CODES.values()}
    assert {code: HTTP_CODES[status] for code, status in shared.items()} == {code: code for code in shared}


def test_codes_are_snake_case() -> None:
    assert [code for code in _statuses() if not code.replace("_", "").isalpha() or code != code.lower()] == []


def test_every_code_that_web_answers_is_known() -> None:
    assert find_literal_codes(module for module in modules_of("functions") if module.name.startswith("fanfare.web")) - set(_statuses()) == set()


def test_every_code_is_documented_with_its_status_and_no_other_is() -> None:
    assert find_undocumented(_statuses(), [(row[0], row[1]) for row in _documented()]) == []


def test_every_documented_code_says_when_and_what_to_do() -> None:
    assert [row[0] for row in _documented() if len(row) != 4 or not all(row)] == []


def test_a_refusal_without_a_code_of_its_own_is_caught() -> None:
    class Gone(NotFound):
        """Says nothing new."""

    class Taken(FanfareError):
        """Takes another's code."""

        code = "conflict"

    assert find_without_own_code({NotFound, Gone, Conflict, Taken}) == ["Conflict", "Gone", "NotFound", "Taken"]


def test_a_wrong_table_of_errors_is_caught() -> None:
    status = {"a": HTTPStatus.CONFLICT.value, "b": 404, "c": 400}
    assert find_undocumented(status, [("a", "409"), ("b", "400"), ("d", "400"), ("a", "409")]) == ["a 409", "b 400", "b 404", "c 400", "d 400"]
    assert find_undocumented(status, [("a", "409"), ("b", "404"), ("c", "400")]) == []


def test_a_literal_code_is_found() -> None:
    assert find_literal_codes([sample("a", "problem(HTTPStatus.GONE, 'gone', 'It is gone.')\nproblem(status, error.code, '')")]) == {"gone"}
