"""What analytics are asked for."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Literal

from pydantic import BeforeValidator, ConfigDict, Field, StringConstraints, field_validator

from fanfare.domain.analytics import RowFilter
from fanfare.domain.analytics_report import MOST_GROUPS, Dimension, Interval, Question, asked_days
from fanfare.web.schema import In, PlatformName, Query, Topic

_FORM = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_WANTED = "must be a day like 2026-11-24, of the years 2000 to 2999"


def _read_day(value: object) -> date:
    """Read a day in the one form that is documented: weeks can be read as one, too."""
    try:
        day = date.fromisoformat(value) if isinstance(value, str) and _FORM.fullmatch(value) else None
    except ValueError:
        day = None
    if day is None or not 2000 <= day.year <= 2999:
        raise ValueError(_WANTED)
    return day


Day = Annotated[date, BeforeValidator(_read_day)]
_Client = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,128}$")]
_Template = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]
DimensionName = Literal["client_id", "topic", "platform", "template"]


class DailyQuery(Query):
    """Which UTC days (both included, the last 30 by default, at most 366), and of which messages; filters combine."""

    first: Day | None = Field(default=None, alias="from", examples=["2026-11-01"])
    last: Day | None = Field(default=None, alias="to", examples=["2026-11-30"])
    client_id: _Client | None = None
    topic: Topic | None = None
    platform: PlatformName | None = None
    template: _Template | None = None

    def question(self, today: date) -> Question:
        """The query as the domain has it; InvalidRequest for days that can't be asked for at once."""
        filters = RowFilter(self.client_id, self.topic, self.platform, self.template)
        return Question(*asked_days(self.first, self.last, today), filters=filters)


class AnalyticsQuery(DailyQuery):
    """The same, summed by day, week or month, and by up to two of what is filtered by."""

    interval: Literal["day", "week", "month"] = "day"
    group_by: Annotated[list[DimensionName], Field(max_length=MOST_GROUPS, description="Given once or twice.")] = Field(default_factory=list)

    @field_validator("group_by")
    @classmethod
    def check_different(cls, names: list[str]) -> list[str]:
        """Refuse to group by the same twice."""
        if len(set(names)) < len(names):
            raise ValueError("must not name the same twice")
        return names

    def question(self, today: date) -> Question:
        """The query as the domain has it; InvalidRequest for days that can't be asked for at once."""
        asked = super().question(today)
        return Question(asked.first, asked.last, Interval(self.interval), asked.filters, tuple(map(Dimension, self.group_by)))


class RecomputeIn(In):
    """Which UTC day is to be recomputed."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"day": "2026-11-24"}]})

    day: Day
