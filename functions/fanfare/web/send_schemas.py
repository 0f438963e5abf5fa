"""A request to send as the API takes it."""

from __future__ import annotations

from typing import Any, Self

from pydantic import ConfigDict, Field, model_validator

from fanfare.domain.send_request import SendRequest, message_of
from fanfare.web.addressee_schemas import ToIn, check_only
from fanfare.web.pace_schemas import FanoutIn, check_pace
from fanfare.web.said_schemas import SaidIn
from fanfare.web.schema import PhoneNumber, exactly_one

_EXAMPLE: Any = {
    "to": {"usernames": ["alice"]}, "title": "Order confirmed", "body": "Your order #1234 has been confirmed.",
    "data": {"order_id": "1234", "screen": "order_details"}, "priority": "high", "ttl_seconds": 3600, "collapse_key": "order_updates",
    "image_url": "https://example.com/image.png", "deep_link": "app://orders/1234", "actions": [{"id": "track", "title": "Track"}],
    "channel": "orders", "sound": "default", "badge": 1,
}  # fmt: skip
_BROADCAST: Any = {"to": {"everyone": True}, "title": "We are open again", "ramp": [1, 10, 100], "guard": {"max_error_share": 0.05}}
_TO_TOPIC: Any = {"title": "Storm tonight", "body": "Stay at home.", "priority": "high", "ttl_seconds": 3600}


class OneMessageIn(SaidIn, FanoutIn):
    """One message, whoever is to get it."""

    validate_only: bool = Field(default=False, description="Let FCM check the message and deliver nothing.")

    def to_addressees(self, to: ToIn, request_hash: str) -> SendRequest:
        """The request as the domain has it."""
        only = self.segment()
        addressees = to.addressees(by_device=self.is_by_device)
        check_only(addressees, only)
        raw = self._raw(to)
        check_pace(addressees, raw)
        return SendRequest(
            to=addressees,
            only=only,
            message=message_of(raw),
            raw=raw,
            request_hash=request_hash,
            validate_only=self.validate_only,
            usernames=tuple(to.usernames or ()),
            template=self.template,
            variables=self.values(),
        )

    def _raw(self, to: ToIn) -> dict[str, Any]:
        """What is stored and shown: everything but targets."""
        said = self.model_dump(exclude_defaults=True, exclude={"to", "phone_number"})
        return {**said, "to": {"targets": len(to.targets)} if to.targets else to.model_dump(exclude_none=True, exclude_defaults=True)}


class SendIn(OneMessageIn):
    """A request to send. `phone_number` at the top level is short for `to.phone_numbers` with one entry."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": ["to"]}, {"required": ["phone_number"]}], "examples": [_EXAMPLE, _BROADCAST]},
    )

    to: ToIn | None = None
    phone_number: PhoneNumber | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        exactly_one("to", "phone_number")(self)
        return self

    def request(self, request_hash: str) -> SendRequest:
        """The request as the domain has it."""
        return self.to_addressees(self.to or ToIn(phone_numbers=[self.phone_number or ""]), request_hash)


class TopicSendIn(OneMessageIn):
    """A request to send to the topic that the path names."""

    model_config = ConfigDict(json_schema_extra={"examples": [_TO_TOPIC, {**_TO_TOPIC, "fanout": "devices"}]})

    def request(self, topic: str, request_hash: str) -> SendRequest:
        """The request as the domain has it."""
        return self.to_addressees(ToIn(topic=topic), request_hash)
