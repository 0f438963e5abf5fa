"""Topics as the API takes them."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, model_validator

from fanfare.domain.address import Address, AddressKind
from fanfare.domain.topic import LONGEST_DESCRIPTION, is_topic_name
from fanfare.web.paging import PageQuery
from fanfare.web.schema import Identifier, In, Name, Topic, exactly_one

MOST_SUBSCRIBERS = 1_000
_KINDS = ("device_ids", "profile_ids", "usernames")


def _check_name(name: str) -> str:
    if not is_topic_name(name):
        raise ValueError("is reserved")
    return name


TopicName = Annotated[Topic, Field(max_length=900), AfterValidator(_check_name)]
_Description = Annotated[str, StringConstraints(max_length=LONGEST_DESCRIPTION, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$")]


class TopicPath(In):
    """Which topic."""

    name: TopicName


class TopicIn(In):
    """A topic to create; its name is unique within the tenant, and FCM's name of it."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "weather-alerts", "description": "Storms and floods"}]})

    name: TopicName
    description: _Description | None = None


class TopicQuery(PageQuery):
    """Filters of the list of topics."""

    prefix: Topic | None = Field(None, max_length=200, description="What their names begin with.")


class SubscribersIn(In):
    """Whom to subscribe or unsubscribe: exactly one of the three; a profile stands for all its devices, those that it registers later included."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [{"required": [name]} for name in _KINDS],
            "examples": [{"usernames": ["alice", "bob"]}],
        }
    )

    device_ids: Annotated[list[Identifier], Field(min_length=1, max_length=MOST_SUBSCRIBERS)] | None = None
    profile_ids: Annotated[list[Identifier], Field(min_length=1, max_length=MOST_SUBSCRIBERS)] | None = None
    usernames: Annotated[list[Name], Field(min_length=1, max_length=MOST_SUBSCRIBERS)] | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        exactly_one(*_KINDS)(self)
        return self

    def addresses(self) -> list[Address]:
        """The profiles that it names."""
        by_id = [Address(AddressKind.PROFILE, value) for value in self.profile_ids or ()]
        return by_id or [Address(AddressKind.USERNAME, value) for value in self.usernames or ()]
