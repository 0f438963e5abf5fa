"""A request to send as the API takes it."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from fanfare.domain.errors import InvalidRequest
from fanfare.domain.lifetime import MAX_TTL_SECONDS
from fanfare.domain.segment import Segment
from fanfare.domain.send_request import SendRequest, message_of
from fanfare.domain.variables import Variables
from fanfare.web.addressee_schemas import ToIn, check_only
from fanfare.web.schema import In, PhoneNumber, ShortText, exactly_one
from fanfare.web.segment_schemas import SegmentIn
from fanfare.web.variable_schemas import TemplateName, VariablesIn, parse_variables

_EXAMPLE: Any = {
    "to": {"usernames": ["alice"]}, "title": "Order confirmed", "body": "Your order #1234 has been confirmed.",
    "data": {"order_id": "1234", "screen": "order_details"}, "priority": "high", "ttl_seconds": 3600, "collapse_key": "order_updates",
    "image_url": "https://example.com/image.png", "deep_link": "app://orders/1234", "actions": [{"id": "track", "title": "Track"}],
    "channel": "orders", "sound": "default", "badge": 1,
}  # fmt: skip
_Text = Annotated[str, StringConstraints(max_length=4096)]
_Block = dict[str, Any]


class ActionIn(In):
    """A button: `id` is what the app is told, `title` what the person reads."""

    id: ShortText
    title: Annotated[str, StringConstraints(min_length=1, max_length=100)]


class SendIn(In):
    """A request to send. `phone_number` at the top level is short for `to.phone_numbers` with one entry."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": ["to"]}, {"required": ["phone_number"]}], "examples": [_EXAMPLE]},
    )

    to: ToIn | None = None
    phone_number: PhoneNumber | None = None
    template: TemplateName | None = Field(None, description="Says what the request does not say itself; the request's own texts are literal.")
    variables: VariablesIn | None = Field(None, description="Values of the template's variables.", examples=[{"order_id": "1234"}])
    title: _Text | None = None
    body: _Text | None = None
    data: dict[str, str] | None = None
    priority: Literal["high", "normal"] | None = None
    ttl_seconds: Annotated[int, Field(ge=0, le=MAX_TTL_SECONDS)] | None = None
    collapse_key: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = None
    group: Annotated[str, StringConstraints(min_length=1, max_length=255)] | None = None
    image_url: Annotated[str, StringConstraints(max_length=2048, pattern=r"^https?://")] | None = None
    deep_link: Annotated[str, StringConstraints(min_length=1, max_length=2048)] | None = None
    actions: Annotated[list[ActionIn], Field(max_length=5)] | None = None
    channel: Annotated[str, StringConstraints(min_length=1, max_length=255)] | None = None
    sound: Annotated[str, StringConstraints(min_length=1, max_length=255)] | None = None
    badge: Annotated[int, Field(ge=0, le=2**31 - 1)] | None = None
    silent: bool | None = None
    only: SegmentIn | None = None
    android: _Block | None = Field(None, description="FCM's AndroidConfig; its fields win over what is derived from the neutral ones.")
    apns: _Block | None = Field(None, description="FCM's ApnsConfig.")
    webpush: _Block | None = Field(None, description="FCM's WebpushConfig.")
    validate_only: bool = Field(default=False, description="Let FCM check the message and deliver nothing.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        exactly_one("to", "phone_number")(self)
        return self

    def request(self, request_hash: str) -> SendRequest:
        """The request as the domain has it."""
        to = self.to or ToIn(phone_numbers=[self.phone_number or ""])
        only = self.only.segment("only") if self.only else Segment()
        addressees = to.addressees()
        check_only(addressees, only)
        raw = self._raw(to)
        return SendRequest(
            to=addressees,
            only=only,
            message=message_of(raw),
            raw=raw,
            request_hash=request_hash,
            validate_only=self.validate_only,
            usernames=tuple(to.usernames or ()),
            template=self.template,
            variables=self._variables(),
        )

    def _variables(self) -> Variables:
        if self.variables and self.template is None:
            raise InvalidRequest.at("variables", "need a template")
        return parse_variables(self.variables, "variables")

    def _raw(self, to: ToIn) -> dict[str, Any]:
        """What is stored and shown: everything but targets."""
        said = self.model_dump(exclude_defaults=True, exclude={"to", "phone_number"})
        return {**said, "to": {"targets": len(to.targets)} if to.targets else to.model_dump(exclude_none=True, exclude_defaults=True)}
