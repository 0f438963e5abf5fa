"""What a tenant's plain settings may hold. Every reader takes anything at all and raises nothing but InvalidRequest: a hand may have written it."""

from __future__ import annotations

from collections.abc import Mapping
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fanfare.domain.edge import is_origin
from fanfare.domain.errors import InvalidRequest
from fanfare.domain.lifetime import MAX_TTL_SECONDS
from fanfare.domain.value_rules import read_list, read_members, read_number, read_text

LARGEST_QUOTA = 100_000_000
LONGEST_RETENTION_DAYS = 3_650
MOST_ORIGINS = 50
LONGEST_NAME = 128
RETENTION_DAYS: Mapping[str, int] = {
    "notifications": 90,
    "chunks": 90,
    "receipts": 90,
    "events": 90,
    "dead_letters": 90,
    "audit": 90,
    "inactive_devices": 30,
    "deleted": 30,
}
"""How long each kind is kept, in days, unless the tenant says otherwise; `deleted` are soft-deleted rows."""
SHORTEST_RETENTION_DAYS: Mapping[str, int] = {"audit": 30}
"""What may not be shortened further, or whoever did something could have its trace removed by the next cleanup; one day for other kinds."""


def read_name(value: object, field: str = "name") -> str:
    """A name for people: 1 to 128 characters, none of them a control character."""
    return read_text(value, field, LONGEST_NAME)


def read_retention(value: object) -> Mapping[str, int]:
    """Days by kind; kinds that are not given keep their default."""
    given = read_members(value, "retention_days", RETENTION_DAYS)
    return {**RETENTION_DAYS, **{kind: _read_days(kind, days) for kind, days in given.items()}}


def _read_days(kind: str, days: object) -> int:
    return read_number(days, f"retention_days.{kind}", SHORTEST_RETENTION_DAYS.get(kind, 1), LONGEST_RETENTION_DAYS)


def read_quota(value: object) -> int:
    """Messages a minute that FCM allows the project."""
    return read_number(value, "quota_per_minute", 1, LARGEST_QUOTA)


def read_origins(value: object) -> tuple[str, ...]:
    """Origins of web pages, as browsers spell them."""
    given = enumerate(read_list(value, "cors_origins", MOST_ORIGINS))
    return tuple(dict.fromkeys(_read_origin(origin, f"cors_origins.{index}") for index, origin in given))


def read_timezone(value: object) -> str:
    """A zone of the IANA database."""
    try:
        return ZoneInfo(value).key if isinstance(value, str) else _refuse_zone()
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InvalidRequest.at("timezone", "is no time zone of the IANA database") from error


def read_default_ttl(value: object) -> int | None:
    """The life in seconds of messages that say none; None leaves it to their priority."""
    return None if value is None else read_number(value, "default_ttl_seconds", 0, MAX_TTL_SECONDS)


def _refuse_zone() -> str:
    raise ValueError("no text")


def _read_origin(value: object, field: str) -> str:
    written = value.lower() if isinstance(value, str) else ""
    # Browsers leave out the port that the scheme has anyway.
    usual_port = ":443" if written.startswith("https:") else ":80"
    if not is_origin(written):
        raise InvalidRequest.at(field, "must be an origin such as https://app.example.com (http for localhost alone)")
    return written.removesuffix(usual_port)
