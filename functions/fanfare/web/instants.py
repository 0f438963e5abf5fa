"""Instants: taken in RFC 3339 with an offset, and nothing that merely can be read as a time; shown in UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BeforeValidator

_WANTED = "must be a time like 2026-11-24T08:00:00Z, with an offset"


def _check_form(value: object) -> object:
    if not isinstance(value, str) or not any(letter in value for letter in "Tt "):
        raise ValueError(_WANTED)
    return value


def _to_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(_WANTED) from error


Instant = Annotated[AwareDatetime, BeforeValidator(_check_form), AfterValidator(_to_utc)]


def show_time(at: datetime | None) -> str | None:
    """An instant in RFC 3339, in UTC."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z") if at else None
