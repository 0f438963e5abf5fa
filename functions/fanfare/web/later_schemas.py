"""A request to send that is kept for later, as the API takes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, ConfigDict, model_validator

from fanfare.domain.errors import InvalidRequest
from fanfare.domain.send_request import SendRequest
from fanfare.web.addressee_schemas import ADDRESSEE_KINDS, ToIn
from fanfare.web.schema import PhoneNumber, exactly_one
from fanfare.web.send_schemas import OneMessageIn

EXAMPLE: Any = {"to": {"usernames": ["alice"]}, "title": "Good morning"}
_LATER = [kind for kind in ADDRESSEE_KINDS if kind != "targets"]


def _refuse_targets(value: object) -> object:
    if value is not None:
        raise ValueError("are stored nowhere, so nothing can be sent to them later; register the devices")
    return value


class LaterToIn(ToIn):
    """Who is to be reached later: exactly one kind of addressee, and no bare targets."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": [name]} for name in _LATER]})

    targets: Annotated[None, BeforeValidator(_refuse_targets)] = None


class LaterIn(OneMessageIn):
    """A request to send that is kept for later."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["to"]}, {"required": ["phone_number"]}], "examples": [EXAMPLE]})

    to: LaterToIn | None = None
    phone_number: PhoneNumber | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        exactly_one("to", "phone_number")(self)
        return self

    def message(self, path: str) -> SendRequest:
        """The request as the domain has it; `path` is what its fields are named by in an error."""
        try:
            return self.to_addressees(self.to or LaterToIn(phone_numbers=[self.phone_number or ""]), "")
        except InvalidRequest as error:
            raise renamed(error, lambda field: path + field) from error


def renamed(error: InvalidRequest, name: Callable[[str], str]) -> InvalidRequest:
    """The same refusal, its fields by the names that the caller has used."""
    return InvalidRequest.of(replace(found, field=name(found.field)) for found in error.errors)
