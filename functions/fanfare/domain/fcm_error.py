"""FCM's error JSON, read without believing any of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_TYPES = "type.googleapis.com/"
_FCM_ERROR = f"{_TYPES}google.firebase.fcm.v1.FcmError"
_BAD_REQUEST = f"{_TYPES}google.rpc.BadRequest"
_QUOTA_FAILURE = f"{_TYPES}google.rpc.QuotaFailure"
_CODE = re.compile(r"[A-Z][A-Z0-9_]{0,63}")


@dataclass(frozen=True, slots=True)
class FcmError:
    """What an error says. Fields that it does not have are empty."""

    status: str = ""
    fcm_code: str = ""
    is_bad_request: bool = False
    violated_fields: tuple[str, ...] = ()
    quota_words: str = ""


def parse_error(body: bytes) -> FcmError:
    """Read an error's body; anything that has not FCM's shape reads as an empty error."""
    error = _mapping(_mapping(_parse(body)).get("error"))
    details = [_mapping(detail) for detail in _sequence(error.get("details"))]
    violations = [_mapping(item) for detail in _of_type(details, _BAD_REQUEST) for item in _sequence(detail.get("fieldViolations"))]
    quota = [_mapping(item) for detail in _of_type(details, _QUOTA_FAILURE) for item in _sequence(detail.get("violations"))]
    return FcmError(
        status=_code(error.get("status")),
        fcm_code=next((_code(detail.get("errorCode")) for detail in _of_type(details, _FCM_ERROR)), ""),
        is_bad_request=any(True for _ in _of_type(details, _BAD_REQUEST)),
        violated_fields=tuple(_text(item.get("field")) for item in violations),
        quota_words=" ".join(f"{_kind_of_subject(item)} {_text(item.get('description'))}" for item in quota),
    )


def _parse(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _of_type(details: list[Mapping[str, Any]], name: str) -> Iterator[Mapping[str, Any]]:
    return (detail for detail in details if detail.get("@type") == name)


def _code(value: object) -> str:
    """An error code as Google spells them. Codes are stored, some as names of fields: anything else could make a chunk unstorable."""
    return value if isinstance(value, str) and _CODE.fullmatch(value) else ""


def _kind_of_subject(violation: Mapping[str, Any]) -> str:
    """What a quota is of, without whose: a project may be called `project:my-device-app`."""
    return _text(violation.get("subject")).partition(":")[0]


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _sequence(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
