"""Checks of the caller's android, apns and webpush blocks, before anything is stored: FCM would only say so at the send."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fanfare.domain.errors import FieldError
from fanfare.domain.fcm_blocks import spellings
from fanfare.domain.fcm_fields import FIELDS
from fanfare.domain.fcm_forms import FIELD_FORMS, HEADER_FORMS, NOT_EMPTY, Form
from fanfare.domain.fcm_types import scalar_error


def type_errors(block: Mapping[str, Any], schema: str, path: str) -> Iterator[FieldError]:
    """Unknown fields, fields given in both spellings, wrong JSON types and values that FCM refuses, by dotted path."""
    names = spellings(schema)
    seen: set[str] = set()
    for key, value in block.items():
        field, name = f"{path}.{key}", names.get(key)
        if name is None:
            yield FieldError(field, f"is no field of FCM's {schema}")
        elif name in seen:
            yield FieldError(field, "is given twice, in both spellings")
        else:
            seen.add(name)
            yield from _field_errors(value, f"{schema}.{name}", FIELDS[schema][name], field)


def _field_errors(value: object, name: str, kind: str, path: str) -> Iterator[FieldError]:
    wrong = tuple(_value_errors(value, kind, path))
    yield from wrong
    if not wrong and name in FIELD_FORMS:
        yield from form_errors(value, FIELD_FORMS[name], path)


def _value_errors(value: object, kind: str, path: str) -> Iterator[FieldError]:
    word, _, detail = kind.partition(":")
    if word == "message":
        yield from type_errors(value, detail, path) if isinstance(value, Mapping) else _no_object(path)
    elif word == "map":
        yield from _map_errors(value, path) if isinstance(value, Mapping) else _no_object(path)
    elif word == "struct":
        yield from () if isinstance(value, Mapping) else _no_object(path)
    elif word == "list":
        yield from _list_errors(value, detail, path)
    elif expectation := scalar_error(value, kind):
        yield FieldError(path, expectation)


def _no_object(path: str) -> Iterator[FieldError]:
    yield FieldError(path, "must be an object")


def _map_errors(value: Mapping[str, object], path: str) -> Iterator[FieldError]:
    for key, member in value.items():
        yield from _value_errors(member, "string", f"{path}.{key}")


def _list_errors(value: object, kind: str, path: str) -> Iterator[FieldError]:
    if not isinstance(value, list):
        yield FieldError(path, "must be an array")
        return
    for index, item in enumerate(value):
        yield from _value_errors(item, kind, f"{path}.{index}")


def form_errors(value: Any, form: Form, path: str) -> Iterator[FieldError]:  # noqa: ANN401 - a JSON value; the form says which it takes
    """One error where `value` is not of the form."""
    is_right, sentence = form
    if not is_right(value):
        yield FieldError(path, sentence)


def free_form_errors(apns: Mapping[str, Any], webpush: Mapping[str, Any]) -> Iterator[FieldError]:
    """What must hold inside headers and free-form objects, whose names are not FCM's. The blocks have FCM's types."""
    yield from _header_errors(apns.get("headers", {}), "apns.headers")
    yield from _header_errors(webpush.get("headers", {}), "webpush.headers")
    payload = apns.get("payload", {})
    if not isinstance(payload.get("aps", {}), Mapping):
        yield from _no_object("apns.payload.aps")
    for key in payload:
        if key.startswith("fanfare_"):
            yield FieldError(f"apns.payload.{key}", "is reserved")
    notification = webpush.get("notification", {})
    if "tag" in notification:
        tag = notification["tag"]
        yield from form_errors(tag if isinstance(tag, str) else "", NOT_EMPTY, "webpush.notification.tag")


def _header_errors(headers: Mapping[str, str], path: str) -> Iterator[FieldError]:
    seen: set[str] = set()
    for name, value in headers.items():
        lower = name.lower()
        if lower in seen:
            yield FieldError(f"{path}.{name}", "is given twice; HTTP ignores the case of a header's name")
        elif lower in HEADER_FORMS:
            yield from form_errors(value, HEADER_FORMS[lower], f"{path}.{name}")
        seen.add(lower)
