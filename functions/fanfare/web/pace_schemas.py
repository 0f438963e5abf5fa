"""How fast a broadcast goes out, in what steps, and what stops it, as the API takes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from fanfare.domain.errors import FieldError, InvalidRequest
from fanfare.domain.pace import LARGEST_PER_MINUTE, LONGEST_SPREAD_SECONDS, MOST_STAGES, PACE_FIELDS, pace_of
from fanfare.domain.segment_reading import FANNED_OUT_BY_DEVICE
from fanfare.domain.send_request import Addressees
from fanfare.web.schema import In

_Share = Annotated[float, Field(ge=0, le=1)]


class GuardIn(In):
    """What stops a broadcast between two stages of its ramp: shares of the outcomes of the stage before."""

    max_error_share: _Share | None = Field(None, description="Failures that are no dead targets. 0.05 unless it is said.")
    max_dead_share: _Share | None = Field(None, description="Targets that are gone. 0.3 unless it is said.")


class PaceIn(In):
    """The pace of what goes to many; nothing else has one."""

    spread_over_seconds: Annotated[int, Field(ge=1, le=LONGEST_SPREAD_SECONDS)] | None = Field(None, description="Send evenly within this time.")
    per_minute: Annotated[int, Field(ge=1, le=LARGEST_PER_MINUTE)] | None = Field(None, description="Send no more messages a minute than this.")
    urgency: Literal["normal", "whenever"] | None = Field(
        None, description="`whenever` keeps out of the minutes around :00, :15, :30 and :45, when everybody sends."
    )
    ramp: Annotated[list[Annotated[int, Field(ge=1, le=100)]], Field(min_length=1, max_length=MOST_STAGES)] | None = Field(
        None,
        description="Percents of the audience, rising and ending at 100: each stage begins once the one before it is found good.",
        examples=[[1, 5, 25, 100]],
    )
    guard: GuardIn | None = None


class FanoutIn(PaceIn):
    """The same, and who multiplies what goes to a topic."""

    fanout: Literal["fcm", "devices"] | None = Field(
        None,
        description="`fcm` (what is usual) sends one message that FCM fans out; `devices` sends to each subscribed device and tracks its result.",
    )

    @property
    def is_by_device(self) -> bool:
        """Whether a topic is a filter of ours."""
        return self.fanout == FANNED_OUT_BY_DEVICE


def check_pace(to: Addressees, raw: Mapping[str, Any]) -> None:
    """Refuse a pace where there is nothing to pace, and one that can't be kept; InvalidRequest names the field."""
    given = [name for name in PACE_FIELDS if raw.get(name) is not None]
    if given and to.segment is None and to.segment_id is None:
        raise InvalidRequest.of(FieldError(name, "is for broadcasts and bulk requests alone") for name in given)
    if raw.get("fanout") is not None and (raw.get("to") or {}).get("topic") is None:
        raise InvalidRequest.at("fanout", "is for topics alone")
    pace_of(raw)
