"""Values of Google's JSON encoding: durations, timestamps, enums, bytes and integers, read totally (any input or ``ApiError`` 400)."""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from local.cloud.errors import invalid_argument

Document = dict[str, Any]

_DURATION = re.compile(r"(\d{1,12}(?:\.\d{1,9})?)s")


def parse_duration(value: object, field: str) -> float:
    """Return the seconds of ``"3.5s"``."""
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise invalid_argument(f"{field} must be a duration such as '3.5s'")
    return float(match[1])


def format_duration(seconds: float) -> str:
    """Return seconds as ``"3.5s"``, to the microsecond."""
    return f"{seconds:.6f}".rstrip("0").rstrip(".") + "s"


def parse_timestamp(value: object, field: str) -> float:
    """Return the epoch seconds of an RFC 3339 time."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise invalid_argument(f"{field} must be an RFC 3339 timestamp")
    return moment.timestamp()


def format_timestamp(seconds: float) -> str:
    """Return epoch seconds as RFC 3339 in UTC, to the microsecond."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_enum(value: object, names: Sequence[str], field: str) -> str:
    """Return the enum's name; the clients send numbers, people send names."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(names):
        return names[value]
    if isinstance(value, str) and value in names:
        return value
    raise invalid_argument(f"{field} must be one of {', '.join(names)}")


def parse_bytes(value: object, field: str) -> bytes:
    """Return the bytes of standard or URL-safe base64."""
    if not isinstance(value, str):
        raise invalid_argument(f"{field} must be base64")
    try:
        return base64.b64decode(value.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError) as error:
        raise invalid_argument(f"{field} must be base64") from error


def parse_number(value: object, field: str, low: float, high: float) -> float:
    """Return a finite number within the bounds."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or not low <= value <= high:
        raise invalid_argument(f"{field} must be a number between {low:g} and {high:g}")
    return float(value)


def parse_integer(value: object, field: str, low: int, high: int) -> int:
    """Return an integer within the bounds; int64 values come as strings."""
    digits = isinstance(value, str) and re.fullmatch(r"-?\d{1,19}", value) is not None
    number = int(str(value)) if digits or (isinstance(value, int) and not isinstance(value, bool)) else None
    if number is None or not low <= number <= high:
        raise invalid_argument(f"{field} must be an integer between {low} and {high}")
    return number


def parse_text(value: object, field: str, longest: int) -> str:
    """Return a non-empty string of at most ``longest`` characters."""
    if not isinstance(value, str) or not 0 < len(value) <= longest:
        raise invalid_argument(f"{field} must be a string of 1 to {longest} characters")
    return value


def section(document: Document, field: str) -> Document:
    """Return the object below ``field``, empty when absent."""
    value = document.get(field, {})
    if not isinstance(value, dict):
        raise invalid_argument(f"{field} must be an object")
    return value
