"""A request to send as the API takes it."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from fanfare.domain.address import Address, AddressKind
from fanfare.domain.errors import InvalidRequest
from fanfare.domain.lifetime import MAX_TTL_SECONDS
from fanfare.domain.message import Platform, TargetKind
from fanfare.domain.segment import Segment
from fanfare.domain.send_request import MOST_RECIPIENTS, Addressees, RawTarget, SendRequest, message_of
from fanfare.domain.target import check_condition, check_device_target, check_topic
from fanfare.domain.variables import Variables
from fanfare.domain.versions import parse_version_range
from fanfare.web.schema import DeviceTarget, Identifier, In, Locale, Name, PhoneNumber, PlatformName, ShortText, Tag, Timezone, Topic, exactly_one
from fanfare.web.variable_schemas import TemplateName, VariablesIn, parse_variables

_KINDS = ("device_ids", "profile_ids", "usernames", "phone_numbers", "targets", "topic", "condition", "segment", "everyone")
_EXAMPLE: Any = {
    "to": {"usernames": ["alice"]}, "title": "Order confirmed", "body": "Your order #1234 has been confirmed.",
    "data": {"order_id": "1234", "screen": "order_details"}, "priority": "high", "ttl_seconds": 3600, "collapse_key": "order_updates",
    "image_url": "https://example.com/image.png", "deep_link": "app://orders/1234", "actions": [{"id": "track", "title": "Track"}],
    "channel": "orders", "sound": "default", "badge": 1,
}  # fmt: skip
_Range = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[0-9.,<>=! ]+$")]
_Text = Annotated[str, StringConstraints(max_length=4096)]
_Block = dict[str, Any]


class SegmentIn(In):
    """Filters that must all hold; a list means any of its values, except `tags`, which means all."""

    platform: Annotated[list[PlatformName], Field(max_length=3)] = Field(default_factory=list)
    app_version: _Range | None = Field(None, examples=[">=3.2,<4"])
    os_version: _Range | None = None
    locale: Annotated[list[Locale], Field(max_length=100)] = Field(default_factory=list)
    timezone: Annotated[list[Timezone], Field(max_length=100)] = Field(default_factory=list)
    seen_within_days: Annotated[int, Field(ge=0, le=3650)] | None = None
    tags: Annotated[list[Tag], Field(max_length=50)] = Field(default_factory=list)
    tags_any: Annotated[list[Tag], Field(max_length=50)] = Field(default_factory=list)
    tags_none: Annotated[list[Tag], Field(max_length=50)] = Field(default_factory=list)
    topics: Annotated[list[Name], Field(max_length=50)] = Field(default_factory=list)
    profile_ids: Annotated[list[Identifier], Field(max_length=500)] = Field(default_factory=list)

    def segment(self, field: str) -> Segment:
        """The filters as the domain has them; `field` names them in an error."""
        return Segment(
            platform=tuple(Platform(name) for name in self.platform),
            app_version=parse_version_range(self.app_version, f"{field}.app_version") if self.app_version else (),
            os_version=parse_version_range(self.os_version, f"{field}.os_version") if self.os_version else (),
            locale=tuple(self.locale),
            timezone=tuple(self.timezone),
            seen_within_days=self.seen_within_days,
            tags=tuple(self.tags),
            tags_any=tuple(self.tags_any),
            tags_none=tuple(self.tags_none),
            topics=tuple(self.topics),
            profile_ids=tuple(self.profile_ids),
        )


class TargetIn(In):
    """A target that the caller knows itself; it is sent to and not stored."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["token"]}, {"required": ["fid"]}]})

    token: DeviceTarget | None = None
    fid: DeviceTarget | None = None
    platform: PlatformName = "android"

    @model_validator(mode="after")
    def _check(self) -> Self:
        exactly_one("token", "fid")(self)
        return self


class ToIn(In):
    """Who is to be reached: exactly one kind of addressee."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": [name]} for name in _KINDS]})

    device_ids: Annotated[list[Identifier], Field(min_length=1, max_length=MOST_RECIPIENTS)] | None = None
    profile_ids: Annotated[list[Identifier], Field(min_length=1, max_length=MOST_RECIPIENTS)] | None = None
    usernames: Annotated[list[Name], Field(min_length=1, max_length=MOST_RECIPIENTS)] | None = None
    phone_numbers: Annotated[list[PhoneNumber], Field(min_length=1, max_length=MOST_RECIPIENTS)] | None = None
    targets: Annotated[list[TargetIn], Field(min_length=1, max_length=MOST_RECIPIENTS)] | None = None
    topic: Topic | None = None
    condition: Annotated[str, StringConstraints(min_length=1, max_length=4700)] | None = None
    segment: SegmentIn | None = None
    everyone: Literal[True] | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        exactly_one(*_KINDS)(self)
        return self

    def addressees(self) -> Addressees:
        """The addressees as the domain has them."""
        if self.topic is not None:
            return Addressees(fanned_out=check_topic(self.topic))
        if self.condition is not None:
            return Addressees(fanned_out=check_condition(self.condition))
        if self.segment is not None or self.everyone:
            return Addressees(segment=self.segment.segment("to.segment") if self.segment else Segment())
        return Addressees(device_ids=tuple(dict.fromkeys(self.device_ids or ())), addresses=self._addresses(), targets=self._targets())

    def _addresses(self) -> tuple[Address, ...]:
        named = (
            (AddressKind.PROFILE, self.profile_ids),
            (AddressKind.USERNAME, self.usernames),
            (AddressKind.PHONE, self.phone_numbers),
        )
        return tuple(dict.fromkeys(Address(kind, value) for kind, values in named for value in values or ()))

    def _targets(self) -> tuple[RawTarget, ...]:
        return tuple(_raw_target(target, index) for index, target in enumerate(self.targets or ()))


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
        _check_only(addressees, only)
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


def _raw_target(given: TargetIn, index: int) -> RawTarget:
    kind, value = (TargetKind.TOKEN, given.token) if given.token is not None else (TargetKind.FID, given.fid or "")
    return RawTarget(check_device_target(kind, value, f"to.targets.{index}.{kind}"), Platform(given.platform))


def _check_only(to: Addressees, only: Segment) -> None:
    """`only` narrows devices that we know; of a bare target we know the platform, of a topic's subscribers nothing."""
    if to.fanned_out is not None and only != Segment():
        raise InvalidRequest.at("only", "can't narrow a topic or a condition: FCM fans it out by itself")
    if to.targets and only != Segment(platform=only.platform):
        raise InvalidRequest.at("only", "can narrow bare targets by platform alone")
