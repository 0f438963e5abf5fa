"""Analytics as the API shows them."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import Any, Literal

from pydantic import Field

from fanfare.domain.analytics import Amounts
from fanfare.domain.analytics_report import Figure, Report
from fanfare.domain.pings import FleetCounts
from fanfare.web.analytics_schemas import DimensionName
from fanfare.web.schema import Out


class AmountsOut(Out):
    """What was counted. Messages count on the UTC day on which they were asked for, receipts on that of their message."""

    total_sent: int = Field(description="Messages that FCM accepted; one to a topic or a condition counts once.")
    total_delivered: int = Field(description="Messages of which a receipt says that they arrived.")
    total_read: int = Field(description="Messages of which a receipt says that they were read.")
    total_failed: int = Field(description="Messages that failed for good, or have done so until now.")
    cleaned: int = Field(description="Devices that were cleaned because they were idle or gone.")
    avg_delivery_time_ms: float | None = Field(description="The mean time from sending to delivery (null: no receipt says it).")


class FigureOut(AmountsOut):
    """The amounts of some days: at both ends of what was asked for, of those alone that were asked for."""

    first: date = Field(alias="from")
    last: date = Field(alias="to")
    group: dict[DimensionName, str | None] = Field(description="By what these are grouped (null: what has none); empty without grouping.")


class FleetOut(Out):
    """How the active devices reply to pings now."""

    replied: int = Field(description="Within the silence that the tenant allows.")
    silent: int = Field(description="Pinged every day, and did not reply.")
    stopped: int = Field(description="Replied once, too long ago, and are pinged no more.")


class AnalyticsOut(Out):
    """Sums by interval and group, in the order of their days, and all of them together."""

    first: date = Field(alias="from")
    last: date = Field(alias="to")
    interval: Literal["day", "week", "month"]
    items: list[FigureOut]
    total: AmountsOut
    keepalive: FleetOut | None = Field(description="How the fleet is, at most a minute ago (null: pings are switched off).")


class DayOut(AmountsOut):
    """The amounts of a day."""

    day: date


class DailyOut(Out):
    """Every day that was asked for, those of nothing included, and all of them together."""

    items: list[DayOut]
    total: AmountsOut


class RecomputationOut(Out):
    """Which day is being recomputed."""

    day: date


def show_report(found: Report, fleet: FleetCounts | None) -> dict[str, Any]:
    """A report as the API shows it, with how the fleet is."""
    return {
        "from": found.question.first.isoformat(),
        "to": found.question.last.isoformat(),
        "interval": found.question.interval.value,
        "items": [_show_figure(figure) for figure in found.figures],
        "total": _show_amounts(found.total),
        "keepalive": asdict(fleet) if fleet is not None else None,
    }


def show_daily(found: Report) -> dict[str, Any]:
    """A report by days as the API shows it."""
    items = [{"day": figure.first.isoformat(), **_show_amounts(figure.amounts)} for figure in found.figures]
    return {"items": items, "total": _show_amounts(found.total)}


def _show_figure(figure: Figure) -> dict[str, Any]:
    group = {dimension.value: name for dimension, name in figure.group.items()}
    return {"from": figure.first.isoformat(), "to": figure.last.isoformat(), "group": group, **_show_amounts(figure.amounts)}


def _show_amounts(amounts: Amounts) -> dict[str, Any]:
    return {
        "total_sent": amounts.total_sent,
        "total_delivered": amounts.total_delivered,
        "total_read": amounts.total_read,
        "total_failed": amounts.total_failed,
        "cleaned": amounts.cleaned,
        "avg_delivery_time_ms": amounts.avg_delivery_time_ms,
    }
