"""A route's arguments, read by its annotations: `path`, `query` and `body`, each a schema."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, get_args, get_origin, get_type_hints

from flask import Response, request
from pydantic import BaseModel, ValidationError

from fanfare.domain.errors import InvalidRequest
from fanfare.web.schema import refuse

Reader = Callable[[type[BaseModel], Mapping[str, Any]], BaseModel]


def with_arguments(route: Callable[..., Any]) -> Callable[..., Any]:
    """Call a route with what its annotations ask for; what is not as a schema wants it is refused, and the route is not called."""
    schemas = schemas_of(route)

    @wraps(route)
    def view(**path: str) -> Response:
        try:
            arguments = {name: _READERS[name](schema, path) for name, schema in schemas.items()}
        except ValidationError as error:
            return refuse(error)
        return route(**arguments)  # type: ignore[no-any-return]

    return view


def schemas_of(route: Callable[..., Any]) -> dict[str, type[BaseModel]]:
    """The schemas that a route's annotations name, by argument."""
    return {name: schema for name, schema in get_type_hints(route).items() if name in _READERS}


def _read_path(schema: type[BaseModel], path: Mapping[str, Any]) -> BaseModel:
    return schema.model_validate(path)


def _read_query(schema: type[BaseModel], _path: Mapping[str, Any]) -> BaseModel:
    """Read the query string: every value of a field that is a list, of any other field the first."""
    lists = {name for name, field in schema.model_fields.items() if _is_list(field.annotation)}
    return schema.model_validate({name: request.args.getlist(name) if name in lists else value for name, value in request.args.items()})


def _read_body(schema: type[BaseModel], _path: Mapping[str, Any]) -> BaseModel:
    """Read the body; the gate has refused what is no JSON object, and none at all is refused here."""
    content = request.get_json(silent=True)
    if content is None:
        raise InvalidRequest.at("body", "is missing")
    return schema.model_validate(content)


_READERS: Mapping[str, Reader] = {"path": _read_path, "query": _read_query, "body": _read_body}


def _is_list(annotation: Any) -> bool:  # noqa: ANN401 - any annotation
    return get_origin(annotation) is list or any(_is_list(part) for part in get_args(annotation))
