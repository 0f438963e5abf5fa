"""What a tenant decides about keepalive pings."""

from __future__ import annotations

from dataclasses import dataclass

from fanfare.domain.errors import InvalidRequest
from fanfare.domain.value_rules import read_members, read_number, read_time_of_day

LONGEST_SILENCE_DAYS = 365


@dataclass(frozen=True, slots=True)
class NightWindow:
    """From when to when nobody is pinged, on the device's own clock (`HH:MM`); it may go over midnight."""

    starts_at: str
    ends_at: str

    def __str__(self) -> str:
        """In words, for the audit log."""
        return f"{self.starts_at} to {self.ends_at}"


@dataclass(frozen=True, slots=True)
class KeepaliveSettings:
    """Whether silent devices are pinged, until how many days of silence, and when they are left alone."""

    enabled: bool = False
    max_silence_days: int = 7
    night: NightWindow | None = None

    def __str__(self) -> str:
        """In words, for the audit log."""
        return f"{'on' if self.enabled else 'off'}, silence at most {self.max_silence_days} days, night {self.night or 'none'}"


def read_keepalive(value: object) -> KeepaliveSettings:
    """`{enabled, max_silence_days, night: {from, to}}`."""
    given = read_members(value, "keepalive", ("enabled", "max_silence_days", "night"))
    enabled = given.get("enabled", False)
    if not isinstance(enabled, bool):
        raise InvalidRequest.at("keepalive.enabled", "must be true or false")
    days = read_number(given.get("max_silence_days", 7), "keepalive.max_silence_days", 1, LONGEST_SILENCE_DAYS)
    night = given.get("night")
    return KeepaliveSettings(enabled, days, None if night is None else _read_night(night))


def _read_night(value: object) -> NightWindow:
    given = read_members(value, "keepalive.night", ("from", "to"))
    starts, ends = (read_time_of_day(given.get(name), f"keepalive.night.{name}") for name in ("from", "to"))
    if starts == ends:
        raise InvalidRequest.at("keepalive.night.to", "must differ from `from`")
    return NightWindow(starts, ends)
