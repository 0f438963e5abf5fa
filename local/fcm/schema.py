"""FCM's own discovery document, compiled once into closures that check a JSON value and normalise its names.

Every name is accepted in lowerCamelCase and in snake_case and returned in lowerCamelCase; null means that a field is absent.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from local.fcm.problems import Invalid, Problem, invalid_value, unknown_name
from local.fcm.scalars import Check, check_boolean, check_duration, check_float, check_int32, check_string, check_timestamp, enum_check

TYPE_PREFIX = "type.googleapis.com/google.firebase.fcm.v1."
STRUCT_TYPE = "type.googleapis.com/google.protobuf.Struct"
CAPITAL = re.compile(r"(?<!^)([A-Z])")
SCALARS: Mapping[tuple[str, str], Check] = {
    ("string", ""): check_string,
    ("string", "google-duration"): check_duration,
    ("string", "google-datetime"): check_timestamp,
    ("boolean", ""): check_boolean,
    ("integer", "int32"): check_int32,
    ("number", "float"): check_float,
}

Schema = Mapping[str, Any]  # The discovery document is data of its own format.


@cache
def send_request_check() -> Check:
    """Return the check of a whole `SendMessageRequest`; it raises `Invalid` and returns normalised objects."""
    document = files("googleapiclient") / "discovery_cache" / "documents" / "fcm.v1.json"
    return Compiler(json.loads(document.read_text())["schemas"]).named("SendMessageRequest")


def snake_case(name: str) -> str:
    """Return the field's protobuf name, which error paths use."""
    return CAPITAL.sub(r"_\1", name).lower()


class Compiler:
    """Turns the schemas of one discovery document into checks, each named schema once."""

    def __init__(self, schemas: Mapping[str, Schema]) -> None:
        self._schemas = schemas
        self._compiled: dict[str, Check] = {}

    def named(self, name: str) -> Check:
        """Return the check of the schema of that name."""
        if name not in self._compiled:
            self._compiled[name] = self._object(name, self._schemas[name])
        return self._compiled[name]

    def _check(self, name: str, schema: Schema) -> Check:
        if "$ref" in schema:
            return self.named(schema["$ref"])
        if schema["type"] == "array":
            return list_check(name, self._check(name, schema["items"]))
        if schema["type"] == "object":
            return struct_check if schema["additionalProperties"]["type"] == "any" else text_map_check
        if "enum" in schema:
            return enum_check(TYPE_PREFIX + name[0].upper() + name[1:], schema["enum"])
        return SCALARS[schema["type"], schema.get("format", "")]

    def _object(self, name: str, schema: Schema) -> Check:
        fields = {key: (key, snake_case(key), self._check(key, value)) for key, value in schema.get("properties", {}).items()}
        both_spellings = {entry[1]: entry for entry in fields.values()} | fields
        return object_check(TYPE_PREFIX + name, both_spellings)


def object_check(type_name: str, fields: Mapping[str, tuple[str, str, Check]]) -> Check:
    """Build the check of an object from spelling → (normalised name, name in paths, check)."""

    def check(value: object) -> object:
        if type(value) is not dict:
            raise Invalid(invalid_value(type_name, value))
        result: dict[str, object] = {}
        problems: list[Problem] = []
        for key, item in value.items():
            if (field := fields.get(key)) is None:
                problems.append(unknown_name(key))
            elif item is not None:
                try:
                    result[field[0]] = field[2](item)
                except Invalid as invalid:
                    problems += [problem.under(field[1]) for problem in invalid.problems]
        if problems:
            raise Invalid(*problems)
        return result

    return check


def list_check(name: str, check_item: Check) -> Check:
    """Build the check of a repeated field."""

    def check(value: object) -> object:
        if type(value) is not list:
            raise Invalid(invalid_value(f"repeated {snake_case(name)}", value))
        for index, item in enumerate(value):
            try:
                check_item(item)
            except Invalid as invalid:
                raise Invalid(*(problem.under(f"[{index}]") for problem in invalid.problems)) from None
        return value

    return check


def text_map_check(value: object) -> object:
    """Accept an object whose values are strings; paths name entries by position, as FCM's do."""
    if type(value) is not dict:
        raise Invalid(invalid_value("map<string, string>", value))
    for index, item in enumerate(value.values()):
        if type(item) is not str:
            raise Invalid(invalid_value("TYPE_STRING", item).under(f"[{index}].value"))
    return value


def struct_check(value: object) -> object:
    """Accept any JSON object."""
    if type(value) is not dict:
        raise Invalid(invalid_value(STRUCT_TYPE, value))
    return value
