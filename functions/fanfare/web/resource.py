"""The routes of one resource: noted down once, then served by Flask, or described for the OpenAPI document by flask-openapi.

An instance that serves needs nothing of the document, and what makes it is much of a cold start; so the library is loaded when somebody asks for
the document first, and serving reads a route's arguments by the same annotations and schemas (`arguments.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from flask import Flask

from fanfare.web.arguments import with_arguments

if TYPE_CHECKING:
    from flask_openapi import APIBlueprint

F = TypeVar("F", bound=Callable[..., object])
PREFIX = "/api/v1"


class Resource:
    """Notes routes. `name` is unique among all resources, `tag` and `description` stand in the document.

    Paths begin with `prefix`; those outside of `/api/v1` are no part of the document.
    """

    def __init__(self, name: str, description: str, *, tag: str | None = None, prefix: str = PREFIX) -> None:
        self.name = name
        self.prefix = prefix
        self._description = description
        self._tag = tag or name
        self._routes: list[tuple[str, str, Callable[..., Any], Any]] = []

    def get(self, path: str, *, responses: Any) -> Callable[[F], F]:  # noqa: ANN401 - the library's own type of it is invariant
        """Note a GET route and the schemas of its answers."""
        return self._note("GET", path, responses)

    def post(self, path: str, *, responses: Any) -> Callable[[F], F]:  # noqa: ANN401 - as above
        """Note a POST route and the schemas of its answers."""
        return self._note("POST", path, responses)

    def put(self, path: str, *, responses: Any) -> Callable[[F], F]:  # noqa: ANN401 - as above
        """Note a PUT route and the schemas of its answers."""
        return self._note("PUT", path, responses)

    def delete(self, path: str, *, responses: Any) -> Callable[[F], F]:  # noqa: ANN401 - as above
        """Note a DELETE route and the schemas of its answers."""
        return self._note("DELETE", path, responses)

    def serve(self, app: Flask) -> None:
        """Add the routes to an app."""
        for method, path, route, _ in self._routes:
            app.add_url_rule(f"{self.prefix}{path}", f"{self.name}.{route.__name__}", with_arguments(route), methods=[method])

    def describe(self) -> APIBlueprint:
        """Build what the OpenAPI document is read from."""
        from flask_openapi import APIBlueprint, Tag  # noqa: PLC0415 - see above

        blueprint = APIBlueprint(self.name, __name__, abp_tags=[Tag(name=self._tag, description=self._description)], url_prefix=self.prefix)
        for method, path, route, responses in self._routes:
            getattr(blueprint, method.lower())(path, responses=responses)(route)
        return blueprint

    def _note(self, method: str, path: str, responses: Any) -> Callable[[F], F]:  # noqa: ANN401 - as above
        def note(route: F) -> F:
            self._routes.append((method, path, route, responses))
            return route

        return note
