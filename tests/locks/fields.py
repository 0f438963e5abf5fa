"""What the routes take, as the OpenAPI document says it: which fields of a query or a body name something that somebody owns."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tests.locks.asking import ROOT

_NAMES_A_THING = re.compile(r"(?:^|[._])(?:ids?|fids?|tokens?|usernames?|phone_numbers?|external_ids?|templates?|segments?|credentials?|projects?)$")


class Document:
    """An OpenAPI document, read by route (`GET /devices/<id>`); of routes outside of the API it tells nothing."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        self._content = content

    def query_of(self, route: str) -> set[str]:
        """The fields of a route's query."""
        parameters = map(self._resolved, self._operation(route).get("parameters", ()))
        return {parameter["name"] for parameter in parameters if parameter["in"] == "query"}

    def body_of(self, route: str) -> set[str]:
        """The fields of a route's body, nested ones with dots."""
        body = self._resolved(self._operation(route).get("requestBody", {}))
        return set(self._properties(body.get("content", {}).get("application/json", {}).get("schema", {}), ""))

    def names_of_things(self, route: str) -> set[str]:
        """The fields of query and body that may name another tenant's things."""
        return {name for name in self.query_of(route) | self.body_of(route) if _NAMES_A_THING.search(name)}

    def _operation(self, route: str) -> Mapping[str, Any]:
        method, _, path = route.partition(" ")
        if path.startswith(ROOT):
            return {}
        found: Mapping[str, Any] = self._content["paths"][f"/api/v1{path.replace('<', '{').replace('>', '}')}"][method.lower()]
        return found

    def _properties(self, schema: Mapping[str, Any], prefix: str) -> Iterator[str]:
        schema = self._resolved(schema)
        for name, inner in schema.get("properties", {}).items():
            yield f"{prefix}{name}"
            yield from self._properties(inner, f"{prefix}{name}.")
        for part in (*schema.get("anyOf", ()), *schema.get("allOf", ()), *schema.get("oneOf", ()), *([schema["items"]] if "items" in schema else [])):
            yield from self._properties(part, prefix)
        if isinstance(schema.get("additionalProperties"), Mapping):
            yield from self._properties(schema["additionalProperties"], f"{prefix}*.")

    def _resolved(self, node: Mapping[str, Any]) -> Mapping[str, Any]:
        while "$ref" in node:
            found: Any = self._content
            for part in node["$ref"].removeprefix("#/").split("/"):
                found = found[part]
            node = found
        return node
