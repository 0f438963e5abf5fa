"""Schedules as the API takes them: a request to send, and when."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field, RootModel, StringConstraints, WrapValidator

from fanfare.domain.recurrence import Repeat
from fanfare.domain.schedule import DEFAULT_GRACE_SECONDS, LONGEST_GRACE_SECONDS, MOST_OCCURRENCES, Missed
from fanfare.domain.schedule_reading import LONGEST_CRON
from fanfare.domain.timing import Timing
from fanfare.services.draft_schedule import Draft
from fanfare.web.instants import Instant
from fanfare.web.later_schemas import EXAMPLE, LaterIn
from fanfare.web.schedule_answers import RepeatName
from fanfare.web.schema import In, Timezone

_Instant = Annotated[Instant, Field(strict=False)]
_ONCE: Any = {"notification": EXAMPLE, "at": "2030-12-24T08:00:00Z"}
_DAILY: Any = {"notification": {"to": {"everyone": True}, "title": "Good morning"}, "local_time": "09:00", "timezone": "recipient", "repeat": "daily"}
_CRON: Any = {"notification": EXAMPLE, "cron": "0 9 * * 1-5", "timezone": "Africa/Dar_es_Salaam", "max_occurrences": 20}
_FLAT: Any = {**EXAMPLE, "scheduled_at": "2030-12-24T08:00:00Z", "repeat_interval": "weekly"}


class TimesIn(In):
    """How often and until when, whichever way the beginning is said."""

    timezone: Timezone | None = Field(None, description="A zone of the IANA database, `recipient` for each recipient's own; the tenant's if none is.")
    cron: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_CRON)] | None = Field(
        None, description="Five fields: minute, hour, day of month, month, day of week."
    )
    ends_at: _Instant | None = Field(None, description="It fires then at the latest.")
    max_occurrences: Annotated[int, Field(ge=1, le=MOST_OCCURRENCES)] | None = None
    on_missed: Literal["send", "skip"] = Field("send", description="What becomes of an occurrence that came due during an outage.")
    grace_seconds: Annotated[int, Field(ge=0, le=LONGEST_GRACE_SECONDS)] = Field(DEFAULT_GRACE_SECONDS, description="How late it is still sent.")

    def timing(self, **start: Any) -> Timing:  # noqa: ANN401 - the fields of a timing
        """The times as the domain has them."""
        return Timing(
            timezone=self.timezone,
            cron=self.cron,
            ends_at=self.ends_at,
            max_occurrences=self.max_occurrences,
            on_missed=Missed(self.on_missed),
            grace_seconds=self.grace_seconds,
            **start,
        )


class ScheduleIn(TimesIn):
    """What to send, and when: at an instant, at a local time, or as a cron expression says."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ONCE, _DAILY, _CRON]})
    RENAMED: ClassVar[Mapping[str, str]] = {}

    notification: LaterIn
    at: _Instant | None = Field(None, description="The first instant; what the zone's clocks show then is the time at which it repeats.")
    local_time: Annotated[str, StringConstraints(max_length=8, pattern=r"^\d\d:\d\d(:\d\d)?$")] | None = Field(None, examples=["09:00"])
    date: Annotated[str, StringConstraints(max_length=10, pattern=r"^\d{4}-\d\d-\d\d$")] | None = Field(None, examples=["2030-12-24"])
    repeat: RepeatName | None = Field(None, description="`none` unless it is said, or `cron` is.")

    def draft(self) -> Draft:
        """The schedule as the domain has it."""
        repeat = Repeat(self.repeat) if self.repeat is not None else None
        times = self.timing(at=self.at, date=self.date, local_time=self.local_time, repeat=repeat)
        return Draft(self.notification.message("notification."), times, "notification.")


class FlatScheduleIn(LaterIn, TimesIn):
    """A request to send with the time at which it is sent beside it."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["to"]}, {"required": ["phone_number"]}], "examples": [_FLAT]})
    RENAMED: ClassVar[Mapping[str, str]] = {"at": "scheduled_at", "repeat": "repeat_interval"}

    scheduled_at: _Instant
    repeat_interval: Literal["none", "daily", "weekly", "monthly"] = "none"

    def draft(self) -> Draft:
        """The schedule as the domain has it; what stands beside the request is no part of it."""
        times = {"scheduled_at", "repeat_interval", *TimesIn.model_fields}
        said = LaterIn.model_construct(_fields_set=self.model_fields_set - times, **{name: getattr(self, name) for name in LaterIn.model_fields})
        repeat = None if self.cron is not None and "repeat_interval" not in self.model_fields_set else Repeat(self.repeat_interval)
        return Draft(said.message(""), self.timing(at=self.scheduled_at, repeat=repeat))


def _form_of(value: object, _union: object) -> ScheduleIn | FlatScheduleIn:
    """Read what has a `notification` as a schedule and anything else as a request with a time: a union would name its own branches in paths."""
    is_whole = isinstance(value, Mapping) and "notification" in value
    return ScheduleIn.model_validate(value) if is_whole else FlatScheduleIn.model_validate(value)


class NotifyScheduleIn(RootModel[Annotated[ScheduleIn | FlatScheduleIn, WrapValidator(_form_of)]]):
    """A schedule, or a request to send with `scheduled_at` beside it."""

    model_config = ConfigDict(defer_build=True, json_schema_extra={"examples": [_FLAT, _ONCE, _DAILY]})
