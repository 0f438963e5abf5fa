"""The links of the OpenAPI document: which answer holds what another operation asks for in its path.

The answer that makes, finds or lists a resource leads to every operation on that resource. Clients generated from the document can offer this, and
a tester that follows links calls the operations with ids that exist; ids that it invents only ever answer 404.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

_PARAMETER = re.compile(r"\{(\w+)\}")
_TO_TOPIC = "/api/v1/notify/topic/{name}"
_FIRST = "/items/0"
"""A page leads to what is done with its items; a link can point at one of them only."""


class _Named(NamedTuple):
    """Where an answer holds a path's parameters: the path's beginning, and a runtime expression for each parameter."""

    path: str
    parameters: Mapping[str, str]


def _by(collection: str, pointer: str = "", key: str = "id") -> _Named:
    return _Named(f"/api/v1/{collection}/{{{key}}}", {key: f"$response.body#{pointer}/{key}"})


_NAMED: Mapping[str, _Named] = {
    "AcceptedOut": _by("notifications"),
    "DeliveryPage": _Named("/api/v1/notifications/{id}/devices/{device}", {"id": "$request.path.id", "device": f"$response.body#{_FIRST}/device_id"}),
    "DeviceOut": _by("devices"),
    "ProfileOut": _by("profiles"),
    "SegmentOut": _by("segments"),
    "ScheduleOut": _by("schedules"),
    "TemplateOut": _by("templates", key="name"),
    "TopicOut": _by("topics", key="name"),
    "DeadLetterPage": _by("dead-letters", _FIRST),
    "EventPage": _by("events", _FIRST),
    "AppOut": _by("apps"),
    "AppPage": _by("apps", _FIRST),
    "ClientWithToken": _by("clients"),
    "WebhookWithSecret": _by("webhooks"),
}
"""By the name of the answer's schema. Pages stand here where nothing else tells of what they list: one with filters is mostly empty, and the first of
a page of clients may be the caller, who must not be led to revoke itself."""
_ID = "$response.body#/id"
_ADDRESSED: Mapping[str, Mapping[str, Any]] = {
    "DeviceOut": {"device_ids": [_ID]},
    "ProfileOut": {"profile_ids": [_ID]},
    "SegmentOut": {"segment": _ID},
}
"""What a request to send may be addressed to, by the schema that shows it."""


def add_links(document: dict[str, Any]) -> None:
    """Add the links to a document that has all its operations."""
    operations = dict(_operations(document))
    for path, operation in list(operations.values()):
        for answer in (answer for status, answer in operation["responses"].items() if status < "300"):
            # An operation on one resource shows it again; who follows links came from where it was made or found.
            schema = _schema_of(answer)
            if schema == "DeliveryPage" or not _PARAMETER.search(path):
                links = {**_to_resource(schema, operations), **_to_notify(schema, operations), **_to_topic(schema, operations)}
                answer.update({"links": links} if links else {})


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, tuple[str, dict[str, Any]]]]:
    for path, item in document["paths"].items():
        for operation in item.values():
            yield operation["operationId"], (path, operation)


def _schema_of(answer: Mapping[str, Any]) -> str:
    reference: str = answer.get("content", {}).get("application/json", {}).get("schema", {}).get("$ref", "")
    return reference.rpartition("/")[2]


def _to_resource(schema: str, operations: Mapping[str, tuple[str, Any]]) -> dict[str, Any]:
    named = _NAMED.get(schema)
    if named is None:
        return {}
    return {
        name: {"operationId": name, "parameters": dict(named.parameters)}
        for name, (path, _) in operations.items()
        if path.startswith(named.path) and set(_PARAMETER.findall(path)) == named.parameters.keys()
    }


def _to_topic(schema: str, operations: Mapping[str, tuple[str, Any]]) -> dict[str, Any]:
    """A topic that was made can be sent to."""
    named = {"name": "$response.body#/name"} if schema == "TopicOut" else {}
    return {name: {"operationId": name, "parameters": named} for name, (path, _) in operations.items() if named and path == _TO_TOPIC}


def _to_notify(schema: str, operations: Mapping[str, tuple[str, Any]]) -> dict[str, Any]:
    addressed = _ADDRESSED.get(schema)
    if addressed is None:
        return {}
    body = {"to": addressed, "title": "Hello"}
    return {name: {"operationId": name, "requestBody": body} for name, (path, _) in operations.items() if path == "/api/v1/notify"}
