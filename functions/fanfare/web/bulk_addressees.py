"""Whom a request to send to many reaches, as the API takes it: those of one message of many, or all of one message."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidatorFunctionWrapHandler, WrapValidator, model_validator

from fanfare.domain.address import Address, AddressKind
from fanfare.domain.bulk import MOST_MESSAGES, WrongItem
from fanfare.domain.errors import InvalidRequest
from fanfare.domain.send_request import MOST_RECIPIENTS, Addressees
from fanfare.web.addressee_schemas import TargetIn, raw_target
from fanfare.web.schema import Identifier, In, Name, PhoneNumber, exactly_one, found_errors

KINDS = ("device_ids", "profile_ids", "usernames", "phone_numbers", "targets")
_ADDRESS_KINDS = {"profile_ids": AddressKind.PROFILE, "usernames": AddressKind.USERNAME, "phone_numbers": AddressKind.PHONE}


def _catch(value: object, validate: ValidatorFunctionWrapHandler) -> object:
    """Note what is wrong with an entry in its place, so that the others can be sent to."""
    try:
        return validate(value)
    except ValidationError as error:
        return wrong(error)


Caught = WrapValidator(_catch)


def wrong(error: ValidationError) -> WrongItem:
    """What a schema finds wrong with an item."""
    errors = found_errors(error)
    return WrongItem(InvalidRequest.code, "; ".join(map(str, errors[:5])), errors)


class MessageToIn(In):
    """Who is to be reached by one message of many: exactly one kind of addressee."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": [name]} for name in KINDS]})

    device_ids: Annotated[list[Identifier], Field(min_length=1, max_length=MOST_RECIPIENTS)] | None = None
    profile_ids: Annotated[list[Identifier], Field(min_length=1, max_length=MOST_RECIPIENTS)] | None = None
    usernames: Annotated[list[Name], Field(min_length=1, max_length=MOST_RECIPIENTS)] | None = None
    phone_numbers: Annotated[list[PhoneNumber], Field(min_length=1, max_length=MOST_RECIPIENTS)] | None = None
    targets: Annotated[list[TargetIn], Field(min_length=1, max_length=MOST_RECIPIENTS)] | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        exactly_one(*KINDS)(self)
        return self

    def addressees(self) -> Addressees:
        """The addressees as the domain has them; InvalidRequest names a target of no known shape."""
        kind, given = _given(self)
        return addressees_of(kind, dict(enumerate(given)))


class ToManyIn(In):
    """Who is to be reached by one message: exactly one kind of addressee, up to ten thousand of them."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": [name]} for name in KINDS]})

    device_ids: Annotated[list[Annotated[Identifier, Caught]], Field(min_length=1, max_length=MOST_MESSAGES)] | None = None
    profile_ids: Annotated[list[Annotated[Identifier, Caught]], Field(min_length=1, max_length=MOST_MESSAGES)] | None = None
    usernames: Annotated[list[Annotated[Name, Caught]], Field(min_length=1, max_length=MOST_MESSAGES)] | None = None
    phone_numbers: Annotated[list[Annotated[PhoneNumber, Caught]], Field(min_length=1, max_length=MOST_MESSAGES)] | None = None
    targets: Annotated[list[Annotated[TargetIn, Caught]], Field(min_length=1, max_length=MOST_MESSAGES)] | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        exactly_one(*KINDS)(self)
        return self

    def given(self) -> tuple[str, list[Any]]:
        """The kind of addressee that is given, and its entries: what they say, or what is wrong with them."""
        return _given(self)


def addressees_of(kind: str, given: Mapping[int, Any]) -> Addressees:
    """Addressees of a kind as the domain has them, by their places in the list; InvalidRequest names a target of no known shape."""
    if kind == "targets":
        return Addressees(targets=tuple(raw_target(target, index) for index, target in given.items()))
    if kind == "device_ids":
        return Addressees(device_ids=tuple(dict.fromkeys(given.values())))
    return Addressees(addresses=tuple(dict.fromkeys(Address(_ADDRESS_KINDS[kind], value) for value in given.values())))


def _given(to: BaseModel) -> tuple[str, list[Any]]:
    return next((name, value) for name in KINDS if (value := getattr(to, name)) is not None)
