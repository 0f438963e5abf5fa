"""What a request to send would come to: whom it reaches, what it says, when it ends, what it costs. Nothing is sent, and no notification is stored.

| to | counted | read |
|---|---|---|
| devices and people | each device once, as the send would find it | them, and the times at which they were heard of last |
| bare targets | each once; FCM alone knows who is behind them | nothing |
| a topic or condition by FCM | the subscribers that are known here; a condition's are not | nothing |
| a segment, everyone, a topic's devices | the packed audience, of a big one a sample | at most 256 shards |
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from fanfare.domain.audience import Audience
from fanfare.domain.call import Call
from fanfare.domain.cost import dollars
from fanfare.domain.forecast import Forecast, Reach, forecast_broadcast, forecast_direct, forecast_fan_out
from fanfare.domain.message import TargetKind
from fanfare.domain.pace import pace_of
from fanfare.domain.pacing import BULK_LANE, TOPIC_LANE
from fanfare.domain.prices import Edition
from fanfare.domain.recipient import Recipient
from fanfare.domain.segment_reading import segments_of
from fanfare.domain.send_request import SendRequest
from fanfare.domain.target import Target
from fanfare.domain.tenant_settings import TenantSettings
from fanfare.ports import Deps
from fanfare.services.count_audience import REACHABLE_WITHIN, count_audience
from fanfare.services.lay_out import DENSE_BELOW, LEAST_SHARDS_TO_PACK
from fanfare.services.new_notification import settings_of
from fanfare.services.prepare_notification import check_topics
from fanfare.services.preview_messages import Named, SpokenPreview, preview_messages
from fanfare.services.resolve_recipients import resolve_recipients
from fanfare.services.segments import resolve_segment
from fanfare.services.word_notification import LONGEST_USERNAME, platforms_of, word_request

EDITION = Edition.STANDARD_MULTI_REGION
"""The dearest: what is told is what it costs at most."""


@dataclass(frozen=True, slots=True)
class Reached:
    """How many devices a request reaches, and how many of them were heard of within 30 days; None where nobody here knows.

    `estimated` if a sample was counted and scaled; every change before `as_of` is in (None: it was not counted in the packed audience).
    """

    devices: int | None
    reachable: int | None = None
    estimated: bool = False
    as_of: datetime | None = None

    @property
    def unreachable_share(self) -> float | None:
        """The share, from 0 to 1, of devices that were not heard of."""
        if not self.devices or self.reachable is None:
            return None
        return round(1 - self.reachable / self.devices, 4)


@dataclass(frozen=True, slots=True)
class NotificationPreview:
    """What a request to send would come to."""

    audience: Reached
    messages: list[SpokenPreview]
    forecast: Forecast

    @property
    def cost_dollars(self) -> float:
        """What it would cost at list prices, with nothing free."""
        return dollars(self.forecast.operations, EDITION)


def preview_notification(deps: Deps, call: Call, request: SendRequest) -> NotificationPreview:
    """Preview a request to send. InvalidRequest, TemplateInactive, TemplateBroken and SegmentBroken where the request itself can't be understood.

    A message that would be refused for what it says is shown with the reasons.
    """
    request, settings = resolve_segment(deps, call.tenant, request), settings_of(deps, call.tenant)
    check_topics(deps, call.tenant, request, None)
    wording = word_request(deps, call.tenant, request)
    reached = _reach(deps, call, request, settings)
    messages = preview_messages(deps, request, wording, platforms=platforms_of(request), channels=settings.channels, named=reached.named)
    return NotificationPreview(reached.audience, messages, reached.forecast)


class _Reach(NamedTuple):
    audience: Reached
    forecast: Forecast
    named: Named = Named()


def _reach(deps: Deps, call: Call, request: SendRequest, settings: TenantSettings) -> _Reach:
    if request.to.segment is not None:
        return _reach_audience(deps, call, request, settings)
    if request.to.fanned_out is not None:
        return _reach_subscribers(deps, call.tenant, request.to.fanned_out)
    recipients = resolve_recipients(deps, call.tenant, request)
    audience = Reached(len(recipients)) if request.to.targets else _heard_of(deps, call.tenant, recipients)
    read = 0 if request.to.targets else max(1, len(recipients))
    longest = max((row.username or "" for row in recipients), key=lambda name: len(name.encode()), default="") or None
    return _Reach(audience, forecast_direct(len(recipients), read, deps.clock.now()), Named(longest, longest))


def _heard_of(deps: Deps, tenant: str, recipients: tuple[Recipient, ...]) -> Reached:
    now, ids = deps.clock.now(), [row.device_id for row in recipients]
    found = deps.devices.get(tenant, ids) if ids else ()
    return Reached(len(ids), sum(now - device.last_seen_at <= REACHABLE_WITHIN for device in found))


def _reach_subscribers(deps: Deps, tenant: str, target: Target) -> _Reach:
    """Whom FCM reaches. Who subscribed there by itself, nobody here knows; neither whom a condition means."""
    is_ours = target.kind is TargetKind.TOPIC and deps.topics.get(tenant, target.value) is not None
    subscribers = deps.subscriptions.count(tenant, [target.value])[target.value] if is_ours else None
    return _Reach(Reached(subscribers), forecast_fan_out(deps.pacing.get(tenant, TOPIC_LANE), subscribers, deps.clock.now()))


def _reach_audience(deps: Deps, call: Call, request: SendRequest, settings: TenantSettings) -> _Reach:
    counted = count_audience(deps, call.tenant, segments_of(request.raw), request_id=call.request_id)
    header = deps.audience.get(call.tenant) or Audience(call.tenant)
    is_packed = header.shards >= LEAST_SHARDS_TO_PACK and counted.count < DENSE_BELOW * header.devices
    forecast = forecast_broadcast(
        deps.pacing.get(call.tenant, BULK_LANE),
        Reach(counted.count, header.devices, header.shards, is_packed=is_packed),
        pace_of(request.raw),
        deps.clock.now(),
        quota_per_minute=settings.quota_per_minute,
    )
    audience = Reached(counted.count, counted.reachable, estimated=counted.estimated, as_of=counted.as_of)
    return _Reach(audience, forecast, Named(longest=LONGEST_USERNAME))
