"""A request to send to many as the API takes it: a message for each of them, or one message for all."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from fanfare.domain.bulk import MOST_MESSAGES, BulkRequest, OnInvalid, WrongItem, wrong_item
from fanfare.domain.errors import InvalidRequest
from fanfare.domain.pace import pace_of
from fanfare.domain.send_request import SendRequest, message_of
from fanfare.web.addressee_schemas import check_only
from fanfare.web.bulk_addressees import Caught, MessageToIn, ToManyIn, addressees_of
from fanfare.web.pace_schemas import PaceIn
from fanfare.web.said_schemas import SaidIn
from fanfare.web.schema import PhoneNumber, exactly_one

_EXAMPLES: Any = [
    {
        "messages": [
            {"to": {"usernames": ["alice"]}, "title": "Order 1234", "body": "It is on its way."},
            {"to": {"usernames": ["bob"]}, "title": "Order 1235", "body": "It waits for you.", "ttl_seconds": 3600},
        ],
        "on_invalid": "skip",
    },
    {"to": {"usernames": ["alice", "bob"]}, "title": "We are open again", "priority": "high"},
]
_SAID = tuple(name for name in SaidIn.model_fields)
_NOT_OWN = {"to", "phone_number", "only", "template", "variables"}
"""What a message says besides its own words."""
_SHOWN = 20
"""So many of the addressees are stored with the request and shown."""


class MessageIn(SaidIn):
    """One message of many, with its own addressees."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["to"]}, {"required": ["phone_number"]}]})

    to: MessageToIn | None = None
    phone_number: PhoneNumber | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        exactly_one("to", "phone_number")(self)
        return self

    def item(self, request_hash: str) -> SendRequest | WrongItem:
        """The message as the domain has it, or what is wrong with it."""
        try:
            return self._item(request_hash)
        except InvalidRequest as error:
            return wrong_item(error)

    def _item(self, request_hash: str) -> SendRequest:
        to = self.to or MessageToIn(phone_numbers=[self.phone_number or ""])
        addressees, only = to.addressees(), self.segment()
        check_only(addressees, only)
        own = self.model_dump(exclude_defaults=True, exclude=_NOT_OWN)
        return SendRequest(
            to=addressees,
            only=only,
            message=message_of(own),
            raw=own,
            request_hash=request_hash,
            usernames=tuple(to.usernames or ()),
            template=self.template,
            variables=self.values(),
        )


class BulkIn(SaidIn, PaceIn):
    """Messages for many: `messages`, each with its own addressees, or one message `to` up to ten thousand."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["messages"]}, {"required": ["to"]}], "examples": _EXAMPLES})

    messages: Annotated[list[Annotated[MessageIn, Caught]], Field(min_length=1, max_length=MOST_MESSAGES)] | None = None
    to: ToManyIn | None = None
    on_invalid: Literal["refuse", "skip"] = Field(
        default="refuse", description="What becomes of the others if a message or an addressee is wrong: nothing is sent, or they are."
    )
    validate_only: bool = Field(default=False, description="Let FCM check the messages and deliver nothing.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        exactly_one("messages", "to")(self)
        misplaced = [name for name in _SAID if self.messages is not None and getattr(self, name) is not None]
        if misplaced:
            raise ValueError(f"say {', '.join(misplaced)} in each of the messages")
        return self

    def request(self, request_hash: str) -> BulkRequest:
        """The request as the domain has it; InvalidRequest if what all of its items share is wrong."""
        return self._messages(request_hash) if self.messages is not None else self._message(request_hash)

    def _messages(self, request_hash: str) -> BulkRequest:
        given: list[Any] = self.messages or []
        items = [message if isinstance(message, WrongItem) else message.item(request_hash) for message in given]
        return BulkRequest(
            path="messages",
            size=len(items),
            items={index: item for index, item in enumerate(items) if not isinstance(item, WrongItem)},
            refused={index: item for index, item in enumerate(items) if isinstance(item, WrongItem)},
            raw={**self._raw(), "messages": len(items)},
            request_hash=request_hash,
            on_invalid=OnInvalid(self.on_invalid),
            validate_only=self.validate_only,
        )

    def _message(self, request_hash: str) -> BulkRequest:
        """One message; what it is addressed to are the items."""
        kind, given = self.to.given() if self.to else ("", [])
        good = {index: entry for index, entry in enumerate(given) if not isinstance(entry, WrongItem)}
        addressees, only = addressees_of(kind, good), self.segment()
        check_only(addressees, only)
        shown = {"targets": len(given)} if kind == "targets" else {kind: list(good.values())[:_SHOWN]}
        raw = {**self._raw(), "to": shown, "recipients": len(given)}
        said = SendRequest(
            to=addressees,
            only=only,
            message=message_of(raw),
            raw=raw,
            request_hash=request_hash,
            validate_only=self.validate_only,
            usernames=tuple(good.values()) if kind == "usernames" else (),
            template=self.template,
            variables=self.values(),
        )
        return BulkRequest(
            path=f"to.{kind}",
            size=len(given),
            items={0: said},
            refused={index: entry for index, entry in enumerate(given) if isinstance(entry, WrongItem)},
            raw=raw,
            request_hash=request_hash,
            separate=False,
            on_invalid=OnInvalid(self.on_invalid),
            validate_only=self.validate_only,
        )

    def _raw(self) -> dict[str, Any]:
        """What is stored and shown: everything but whom it is sent to."""
        said = self.model_dump(exclude_defaults=True, exclude={"to", "messages"})
        pace_of(said)
        return {**said, "on_invalid": self.on_invalid}
