"""What a request to send would come to, as the API shows it."""

from __future__ import annotations

from datetime import datetime
from math import ceil
from typing import Any

from fanfare.domain.forecast import Forecast
from fanfare.domain.payload import limit_bytes
from fanfare.domain.prices import AS_OF
from fanfare.services.preview_messages import SpokenPreview
from fanfare.services.preview_notification import NotificationPreview, Reached
from fanfare.web.instants import show_time
from fanfare.web.schema import Out, PlatformName


class ReachedOut(Out):
    """How many devices are reached, and the share, from 0 to 1, that was not heard of within 30 days; null where nobody here knows.

    `estimated` if a part of a big audience was counted and scaled. Every change before `as_of` is in; null where the devices themselves were counted.
    """

    devices: int | None
    reachable: int | None
    unreachable_share: float | None
    estimated: bool
    as_of: datetime | None


class SpokenOut(Out):
    """What is said on a platform (null: to a topic or condition) in a language (null: in any that has no words of its own).

    `bytes` are those that FCM counts of the largest that anybody gets, the 160 of our own two values included; `errors` say why it would be refused.
    """

    platform: PlatformName | None
    locale: str | None
    title: str | None
    body: str | None
    bytes: int | None
    limit_bytes: int
    fits: bool
    errors: list[str]


class StageOut(Out):
    """A stage of the ramp: how far it reaches, in percent of the chunks, and what it adds."""

    percent: float
    chunks: int
    devices: int


class OperationsOut(Out):
    """What it would take: documents read and written, tasks created, messages posted to FCM."""

    firestore_reads: int
    firestore_writes: int
    tasks: int
    messages: int


class PreviewOut(Out):
    """What the request would come to. The cost is at list prices, with nothing free, retries not counted."""

    audience: ReachedOut
    messages: list[SpokenOut]
    stages: list[StageOut]
    starts_at: datetime
    finishes_at: datetime
    operations: OperationsOut
    cost_usd: float
    prices_as_of: str


def show_preview(preview: NotificationPreview) -> dict[str, Any]:
    """A preview as the API shows it."""
    forecast = preview.forecast
    return {
        "audience": _show_audience(preview.audience),
        "messages": [_show_spoken(spoken) for spoken in preview.messages],
        "stages": [{"percent": step.percent, "chunks": step.chunks, "devices": step.devices} for step in forecast.steps],
        "starts_at": show_time(forecast.starts_at),
        "finishes_at": show_time(forecast.finishes_at),
        "operations": _show_operations(forecast),
        "cost_usd": round(preview.cost_dollars, 6),
        "prices_as_of": AS_OF,
    }


def _show_audience(audience: Reached) -> dict[str, Any]:
    return {
        "devices": audience.devices,
        "reachable": audience.reachable,
        "unreachable_share": audience.unreachable_share,
        "estimated": audience.estimated,
        "as_of": show_time(audience.as_of),
    }


def _show_spoken(spoken: SpokenPreview) -> dict[str, Any]:
    return {
        "platform": spoken.platform.value if spoken.platform else None,
        "locale": spoken.locale,
        "title": spoken.message.title if spoken.message else None,
        "body": spoken.message.body if spoken.message else None,
        "bytes": spoken.size_bytes,
        "limit_bytes": limit_bytes(spoken.platform),
        "fits": spoken.fits,
        "errors": list(spoken.errors),
    }


def _show_operations(forecast: Forecast) -> dict[str, int]:
    operations = forecast.operations
    return {
        "firestore_reads": ceil(operations.reads),
        "firestore_writes": ceil(operations.writes),
        "tasks": ceil(operations.tasks),
        "messages": forecast.messages,
    }
