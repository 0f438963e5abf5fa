"""The cronsim package: when a cron expression fires next, on a wall clock without a zone."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from cronsim import CronSim, CronSimError

from fanfare.domain.errors import InvalidRequest

FIELDS = 5
"""The package would take seconds for a sixth one."""


class CronsimTable:
    """Cron expressions of five fields: minute, hour, day of month, month, day of week."""

    def check(self, expression: str, field: str) -> None:
        """InvalidRequest at `field` unless it is an expression that fires some day."""
        if len(expression.split()) != FIELDS:
            raise InvalidRequest.at(field, "must be five fields: minute, hour, day of month, month, day of week")
        try:
            fires = self.next_time(expression, datetime(2000, 1, 1))  # noqa: DTZ001 - a wall clock's time, of no zone
        except InvalidRequest as error:
            raise InvalidRequest.of(replace(found, field=field) for found in error.errors) from error
        if fires is None:
            raise InvalidRequest.at(field, "never fires")

    def next_time(self, expression: str, after: datetime) -> datetime | None:
        """The next local time (naive) strictly after another; None if there is none within the next fifty years. InvalidRequest if it is none."""
        try:
            return next(CronSim(expression, after), None)
        except CronSimError as error:
            raise InvalidRequest.at("cron", f"is no cron expression: {error}") from error
