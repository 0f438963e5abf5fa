"""The OpenAPI document shows a good body for every route that takes one, and no two schemas share a name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from fanfare.web.api import build_api
from fanfare.web.arguments import schemas_of
from fanfare.web.schema import In, Out, Query
from tests.fakes import fake_deps
from tests.surface.surface import PREFIX

APP = build_api(fake_deps())
BODIES = {
    f"{method} {rule.rule}": schema
    for rule in APP.url_map.iter_rules()
    for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
    if (schema := schemas_of(APP.view_functions[rule.endpoint]).get("body"))
}


def descendants(parent: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for child in parent.__subclasses__():
        yield child
        yield from descendants(child)


def test_schemas_have_names_of_their_own() -> None:
    names = Counter(child.__name__ for parent in (In, Out, Query) for child in set(descendants(parent)) if child.__module__.startswith("fanfare."))
    # Paths are no components of the document.
    assert [name for name, count in names.items() if count > 1 and not name.endswith("Path")] == []


@pytest.mark.parametrize("route", BODIES)
def test_body_has_an_example_that_is_accepted(route: str) -> None:
    examples: list[Any] = dict(BODIES[route].model_config.get("json_schema_extra") or {}).get("examples", [])  # type: ignore[arg-type, call-overload]
    assert examples, f"{route} shows no example"
    for example in examples:
        BODIES[route].model_validate(example)


def test_every_operation_says_what_it_does() -> None:
    document = APP.test_client().get(f"{PREFIX}/openapi.json").json or {}
    assert [path for path, item in document["paths"].items() for operation in item.values() if not operation.get("summary")] == []
