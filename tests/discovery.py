"""FCM's discovery document as a validator: an oracle that shares nothing with the code under test."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import googleapiclient


@cache
def schemas() -> dict[str, Any]:
    document = Path(googleapiclient.__path__[0]) / "discovery_cache" / "documents" / "fcm.v1.json"
    found: dict[str, Any] = json.loads(document.read_text())["schemas"]
    return found


def violations(value: object, schema: str = "Message") -> list[str]:
    """Everything in `value` that the schema does not allow, as sentences; an empty list is a valid message."""
    return list(_object(value, schema, schema))


def _object(value: object, schema: str, path: str) -> Iterator[str]:
    properties = schemas()[schema].get("properties", {})
    if not isinstance(value, Mapping):
        yield f"{path} is no object"
        return
    seen = set()
    for key, member in value.items():
        name = re.sub(r"_([a-z])", lambda match: match[1].upper(), key)
        if name not in properties or name in seen:
            yield f"{path}.{key} is unknown or given twice"
        else:
            yield from _value(member, properties[name], f"{path}.{key}")
        seen.add(name)


def _value(value: object, definition: Mapping[str, Any], path: str) -> Iterator[str]:
    if "$ref" in definition:
        yield from _object(value, definition["$ref"], path)
    elif definition["type"] == "array":
        for item in value if isinstance(value, list) else [None]:
            yield from _value(item, definition["items"], path)
    elif definition["type"] == "object":
        yield from _mapping(value, definition["additionalProperties"], path)
    elif not _is_scalar(value, definition):
        yield f"{path} = {value!r} is no {definition.get('format', definition['type'])}"


def _mapping(value: object, members: Mapping[str, Any], path: str) -> Iterator[str]:
    if not isinstance(value, Mapping):
        yield f"{path} is no object"
    elif members["type"] == "string":
        yield from (f"{path}.{key} is no string" for key, member in value.items() if not isinstance(member, str))


def _is_scalar(value: object, definition: Mapping[str, Any]) -> bool:
    if "enum" in definition:
        return isinstance(value, str) and value.upper() in definition["enum"]
    if definition.get("format") == "google-duration":
        return isinstance(value, str) and re.fullmatch(r"\d+(\.\d{1,9})?s", value) is not None
    types: dict[str, type | tuple[type, ...]] = {"string": str, "boolean": bool, "integer": int, "number": (int, float)}
    return isinstance(value, types[definition["type"]])
