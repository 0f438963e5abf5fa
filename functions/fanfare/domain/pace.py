"""How fast a caller wants a broadcast to go out, in what steps, and what would stop it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise
from typing import Any

from fanfare.domain.errors import InvalidRequest
from fanfare.domain.value_rules import read_list, read_members, read_number, read_word

LONGEST_SPREAD_SECONDS = 86_400
LARGEST_PER_MINUTE = 100_000_000
MOST_STAGES = 20
ERROR_SHARE = 0.05
DEAD_SHARE = 0.3
"""What a ramp's guard tolerates unless the request says otherwise: FCM wants less than 5 % client errors from whoever asks for more quota, while an
audience of some age holds a good part of installs that are gone."""


class Urgency(StrEnum):
    """`WHENEVER` keeps out of the minutes around the quarter hours, when everybody sends."""

    NORMAL = "normal"
    WHENEVER = "whenever"


@dataclass(frozen=True, slots=True)
class Guard:
    """Shares of a stage's outcomes from 0 to 1; one that is exceeded stops the broadcast."""

    max_error_share: float = ERROR_SHARE
    max_dead_share: float = DEAD_SHARE


@dataclass(frozen=True, slots=True)
class Pace:
    """What a request says about its own pace. `ramp` are the percents that each stage reaches; the last is 100."""

    spread_over_seconds: int | None = None
    per_minute: int | None = None
    urgency: Urgency = Urgency.NORMAL
    ramp: tuple[int, ...] = (100,)
    guard: Guard = field(default_factory=Guard)


PACE_FIELDS = ("spread_over_seconds", "per_minute", "urgency", "ramp", "guard")


def pace_of(raw: Mapping[str, Any]) -> Pace:
    """Read a request's pace, of a new request or of a stored one; InvalidRequest names the field that is wrong."""
    spread, rate = raw.get("spread_over_seconds"), raw.get("per_minute")
    return Pace(
        spread_over_seconds=None if spread is None else read_number(spread, "spread_over_seconds", 1, LONGEST_SPREAD_SECONDS),
        per_minute=None if rate is None else read_number(rate, "per_minute", 1, LARGEST_PER_MINUTE),
        urgency=Urgency(read_word(raw.get("urgency") or Urgency.NORMAL, "urgency", Urgency)),
        ramp=_read_ramp(raw.get("ramp")),
        guard=_read_guard(raw.get("guard")),
    )


def stages_of(chunks: int, ramp: Sequence[int]) -> tuple[int, ...]:
    """Where each stage of so many chunks ends: whole chunks, at least one a stage; stages that would hold none are merged with the next."""
    ends = (-(-percent * chunks // 100) for percent in ramp)
    return tuple(dict.fromkeys(ends)) if chunks else ()


def _read_ramp(given: object) -> tuple[int, ...]:
    if given is None:
        return (100,)
    percents = tuple(read_number(percent, f"ramp.{index}", 1, 100) for index, percent in enumerate(read_list(given, "ramp", MOST_STAGES)))
    if not percents or percents[-1] != 100:
        raise InvalidRequest.at("ramp", "must end at 100")
    if any(later <= earlier for earlier, later in pairwise(percents)):
        raise InvalidRequest.at("ramp", "must rise from stage to stage")
    return percents


def _read_guard(given: object) -> Guard:
    shares = read_members(given or {}, "guard", ("max_error_share", "max_dead_share"))
    return Guard(**{name: _read_share(share, f"guard.{name}") for name, share in shares.items()})


def _read_share(given: object, name: str) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float) or not 0 <= given <= 1:
        raise InvalidRequest.at(name, "must be a share from 0 to 1")
    return float(given)
