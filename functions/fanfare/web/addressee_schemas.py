"""Whom a request to send reaches, as the API takes it."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from fanfare.domain.address import Address, AddressKind
from fanfare.domain.errors import InvalidRequest
from fanfare.domain.message import Platform, TargetKind
from fanfare.domain.segment import Segment
from fanfare.domain.send_request import MOST_RECIPIENTS, Addressees, RawTarget
from fanfare.domain.target import check_condition, check_device_target, check_topic
from fanfare.web.schema import DeviceTarget, Identifier, In, Name, PhoneNumber, PlatformName, Topic, exactly_one
from fanfare.web.segment_schemas import SegmentOrId

ADDRESSEE_KINDS = ("device_ids", "profile_ids", "usernames", "phone_numbers", "targets", "topic", "condition", "segment", "everyone")


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

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": [name]} for name in ADDRESSEE_KINDS]})

    device_ids: Annotated[list[Identifier], Field(min_length=1, max_length=MOST_RECIPIENTS)] | None = None
    profile_ids: Annotated[list[Identifier], Field(min_length=1, max_length=MOST_RECIPIENTS)] | None = None
    usernames: Annotated[list[Name], Field(min_length=1, max_length=MOST_RECIPIENTS)] | None = None
    phone_numbers: Annotated[list[PhoneNumber], Field(min_length=1, max_length=MOST_RECIPIENTS)] | None = None
    targets: Annotated[list[TargetIn], Field(min_length=1, max_length=MOST_RECIPIENTS)] | None = None
    topic: Topic | None = None
    condition: Annotated[str, StringConstraints(min_length=1, max_length=4700)] | None = None
    segment: SegmentOrId | None = None
    everyone: Literal[True] | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        exactly_one(*ADDRESSEE_KINDS)(self)
        return self

    def addressees(self, *, by_device: bool = False) -> Addressees:
        """The addressees as the domain has them; a topic's devices one by one, if `by_device` says so."""
        if self.topic is not None:
            topic = check_topic(self.topic)
            return Addressees(segment=Segment(topics=(topic.value,))) if by_device else Addressees(fanned_out=topic)
        if self.condition is not None:
            return Addressees(fanned_out=check_condition(self.condition))
        if isinstance(self.segment, str):
            return Addressees(segment_id=self.segment)
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
        return tuple(raw_target(target, index) for index, target in enumerate(self.targets or ()))


def check_only(to: Addressees, only: Segment) -> None:
    """`only` narrows devices that we know; of a bare target we know the platform, of a topic's subscribers nothing."""
    if to.fanned_out is not None and only != Segment():
        raise InvalidRequest.at("only", "can't narrow a topic or a condition: FCM fans it out by itself")
    if to.targets and only != Segment(platform=only.platform):
        raise InvalidRequest.at("only", "can narrow bare targets by platform alone")


def raw_target(given: TargetIn, index: int) -> RawTarget:
    """A bare target as the domain has it; InvalidRequest names the `index`-th one if it holds a character that no target has."""
    kind, value = (TargetKind.TOKEN, given.token) if given.token is not None else (TargetKind.FID, given.fid or "")
    return RawTarget(check_device_target(kind, value, f"to.targets.{index}.{kind}"), Platform(given.platform))
