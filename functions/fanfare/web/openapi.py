"""The OpenAPI document: what the library reads from the routes, and what the gate does before each of them.

The latter is read from the routes' own marks (`authorized`, `public`, `repeatable`), so that the document can't say anything else than what happens.

| status | on |
|---|---|
| 400, 421 | every route |
| 401, 403, 429, 503 | routes that are not open |
| 413, 415 | POST and PUT |
| 409 | routes that honour `Idempotency-Key` |

A schema's `oneOf` and `anyOf` tell which fields have to be given; they are completed so that null counts as not given, as it does for the API.
The links that lead from one operation to the next come last (`openapi_links.py`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fanfare.web.gate import PUBLIC
from fanfare.web.openapi_links import add_links
from fanfare.web.schema import problems

if TYPE_CHECKING:
    from flask_openapi import OpenAPI

_ARGUMENT = re.compile(r"<(\w+)>")
_CLIENT: Mapping[str, list[str]] = {"ClientId": [], "ClientToken": []}
_USER: Mapping[str, list[str]] = {"IdToken": []}
_TOKEN: Mapping[str, list[str]] = {"TokenAlone": []}
_NOBODY: Mapping[str, list[str]] = {}
_PARAMETERS: Mapping[str, Any] = {
    "XRequestId": {
        "name": "X-Request-ID",
        "in": "header",
        "description": "An id of yours for this request: 1 to 64 of `A-Za-z0-9._-`. Any other text is replaced by an id of ours.",
        "schema": {"type": "string"},
    },
    "IdempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "The same key with the same body gets the first answer again, for at least 24 hours; with another body 409.",
        "schema": {"type": "string", "pattern": "^[\\x21-\\x7e]{1,255}$"},
    },
}
_HEADERS: Mapping[str, Any] = {
    "X-Request-ID": {"description": "The request's id; it stands in our logs too.", "schema": {"type": "string"}},
    "RateLimit": {"description": 'What is left: `"group";r=requests;t=seconds`.', "schema": {"type": "string"}},
    "RateLimit-Policy": {"description": 'The limit: `"group";q=requests;w=seconds`.', "schema": {"type": "string"}},
    "Client-Token-Expires": {"description": "When the token ends (an HTTP date); from 14 days before on.", "schema": {"type": "string"}},
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}},
    "Idempotent-Replayed": {"description": "`true` if this is the first answer once more.", "schema": {"type": "string", "const": "true"}},
}
_WAITING = ("429", "503")
_NOT_NULL = ["array", "boolean", "number", "object", "string"]


def build_document(app: OpenAPI) -> dict[str, Any]:
    """Build the document, once: it is made in place."""
    document: dict[str, Any] = app.api_doc
    components = document["components"]
    components["parameters"], components["headers"] = dict(_PARAMETERS), dict(_HEADERS)
    for rule in app.url_map.iter_rules():
        path = document["paths"].get(_ARGUMENT.sub(r"{\1}", rule.rule), {})
        for method in (rule.methods or set()) & {name.upper() for name in path}:
            _complete(path[method.lower()], method, app.view_functions[rule.endpoint])
    _count_null_as_missing(components["schemas"])
    add_links(document)
    return document


def _count_null_as_missing(node: Any) -> None:  # noqa: ANN401 - any part of a schema
    """Complete each choice that only names a field: where null is allowed, `required` alone would take it for given."""
    for choice in (choice for kind in ("oneOf", "anyOf") for choice in (node.get(kind, ()) if isinstance(node, dict) else ())):
        if choice.keys() == {"required"}:
            choice["properties"] = {name: {"type": _NOT_NULL} for name in choice["required"]}
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        _count_null_as_missing(child)


def _complete(operation: dict[str, Any], method: str, route: Callable[..., object]) -> None:
    access, is_repeatable = getattr(route, "access", None), getattr(route, "repeatable", False)
    is_open = access == PUBLIC
    if not is_open:
        # A receipt stands in the body, for which the document has no kind of credential.
        ways = {"users": _USER, "receipts": _NOBODY, "bearer_token": _TOKEN}
        others = [way for name, way in ways.items() if getattr(access, name, False)]
        operation["security"] = [_CLIENT, *others]
    names = ["XRequestId", *(["IdempotencyKey"] if is_repeatable else [])]
    references = [{"$ref": f"#/components/parameters/{name}"} for name in names]
    operation["parameters"] = [*operation.get("parameters", []), *references]
    refusals = _refusals(method, is_open=is_open, is_repeatable=is_repeatable)
    responses: dict[str, Any] = {**operation["responses"], **refusals}
    for status, answer in responses.items():
        answer["headers"] = {**answer.get("headers", {}), **_headers(status, is_open=is_open, is_repeatable=is_repeatable)}
    operation["responses"] = dict(sorted(responses.items()))


def _refusals(method: str, *, is_open: bool, is_repeatable: bool) -> dict[str, Any]:
    statuses = [400, 421] if is_open else [400, 401, 403, 421, 429, 503]
    statuses += [413, 415] if method in {"POST", "PUT"} else []
    statuses += [409] if is_repeatable else []
    return {str(status): {**answer, "description": HTTPStatus(status).phrase} for status, answer in problems(*statuses).items()}


def _headers(status: str, *, is_open: bool, is_repeatable: bool) -> dict[str, Any]:
    is_success = status.startswith("2")
    names = ["X-Request-ID"]
    names += ["RateLimit", "RateLimit-Policy"] if not is_open and (is_success or status == "429") else []
    names += ["Client-Token-Expires"] if not is_open and is_success else []
    names += ["Retry-After"] if status in _WAITING else []
    names += ["Idempotent-Replayed"] if is_repeatable and is_success else []
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
