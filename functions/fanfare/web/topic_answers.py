"""Topics as the API shows them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fanfare.services.subscribe import Changed
from fanfare.services.topics import CountedTopic
from fanfare.web.instants import show_time
from fanfare.web.schema import Out


class TopicOut(Out):
    """A topic. `subscriber_count` is the number of active devices that were subscribed to it here up to 60 seconds ago."""

    name: str
    description: str | None
    subscriber_count: int
    created_at: datetime
    updated_at: datetime


class TopicPage(Out):
    """A page of topics."""

    items: list[TopicOut]
    next_cursor: str | None


class RefusedSubscriber(Out):
    """One that was refused: its place in the request, and why."""

    index: int
    error: str


class SubscribersOut(Out):
    """How many devices (or profiles, if these were named) are subscribed now that were not before, or the other way; and who was refused."""

    items: list[RefusedSubscriber]
    changed: int


def show_topic(counted: CountedTopic) -> dict[str, Any]:
    """A topic as the API shows it."""
    topic = counted.topic
    return {
        "name": topic.name,
        "description": topic.description,
        "subscriber_count": counted.subscriber_count,
        "created_at": show_time(topic.created_at),
        "updated_at": show_time(topic.updated_at),
    }


def show_changed(changed: Changed) -> dict[str, Any]:
    """What became of a call to subscribe or unsubscribe."""
    return {"items": [{"index": index, "error": why} for index, why in sorted(changed.refused.items())], "changed": changed.changed}
