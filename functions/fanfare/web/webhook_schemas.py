"""Webhooks as the API takes them."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from fanfare.domain.filters import WebhookDeliveryFilter, WebhookFilter
from fanfare.domain.webhook import LONGEST_DESCRIPTION, LONGEST_URL
from fanfare.domain.webhook_delivery import DeliveryState
from fanfare.domain.webhook_rules import DESCRIPTION_PATTERN
from fanfare.services.webhooks import NewWebhook
from fanfare.web.instants import Instant
from fanfare.web.paging import PageQuery
from fanfare.web.schema import Identifier, In, exactly_one

KindName = Literal[
    "device.deactivated",
    "device.registered",
    "device.revived",
    "notification.cancelled",
    "notification.completed",
    "notification.delivered",
    "notification.failed",
    "notification.paused",
    "notification.read",
    "notification.sent",
    "schedule.fired",
    "tenant.quarantined",
    "webhook.disabled",
]
"""What may be listened to (`LISTENABLE`)."""
StateName = Literal["pending", "sending", "delivered", "failed", "dropped"]
MOST_REPLAYED = 100
_Url = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_URL)]
_Kinds = Annotated[list[KindName], Field(min_length=1, max_length=13)]
_Description = Annotated[str, StringConstraints(max_length=LONGEST_DESCRIPTION, pattern=DESCRIPTION_PATTERN)]
_Time = Annotated[Instant, Field(strict=False)]
_EXAMPLE: Any = {
    "url": "https://hooks.example.com/fanfare", "events": ["notification.completed", "notification.failed"], "description": "Order service",
}  # fmt: skip


class WebhookPath(In):
    """Which webhook."""

    id: Identifier


class WebhookIn(In):
    """An endpoint to post events to."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    url: _Url = Field(description="https, on a public address; what leads elsewhere is refused, now and at each delivery.")
    events: _Kinds = Field(description="The kinds of events that it wants.")
    description: _Description = ""

    def wanted(self) -> NewWebhook:
        """What is asked for."""
        return NewWebhook(self.url, self.events, self.description)


class WebhookUpdate(In):
    """What is to change of a webhook; what is left out, or null, stays as it was."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"events": ["notification.failed"], "active": True}]})

    url: _Url | None = None
    events: _Kinds | None = None
    description: _Description | None = None
    active: bool | None = Field(None, description="true switches it on and forgets its failures, false switches it off.")

    def given(self) -> dict[str, Any]:
        """The fields that the request names."""
        said = {name: getattr(self, name) for name in self.model_fields_set}
        return {name: value for name, value in said.items() if value is not None}


class ReplayIn(In):
    """Which stored events are to be delivered once more: these, or those of a span of time."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"after": "2026-11-24T08:00:00Z", "before": "2026-11-24T09:00:00Z"}],
            "oneOf": [{"required": ["event_ids"]}, {"required": ["after"]}],
        }
    )

    event_ids: Annotated[list[Identifier], Field(min_length=1, max_length=MOST_REPLAYED)] | None = None
    after: _Time | None = Field(None, description="Events from this instant on.")
    before: _Time | None = Field(None, description="And up to this one; without it up to now.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        exactly_one("event_ids", "after")(self)
        if self.before is not None and self.after is None:
            raise ValueError("before goes with after")
        return self


class WebhookQuery(PageQuery):
    """Filters of the list of webhooks."""

    active: bool | None = None

    def filters(self) -> WebhookFilter:
        """The filters as the domain has them."""
        return WebhookFilter(self.active)


class WebhookDeliveryQuery(PageQuery):
    """Filters of the list of a webhook's deliveries."""

    state: StateName | None = None

    def filters(self) -> WebhookDeliveryFilter:
        """The filters as the domain has them."""
        return WebhookDeliveryFilter(DeliveryState(self.state) if self.state is not None else None)
