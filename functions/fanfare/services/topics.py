"""Topics: make one, find it, count who is subscribed; whether something may be sent to one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from fanfare.domain.audit import trail
from fanfare.domain.call import Call
from fanfare.domain.errors import InvalidRequest, NotFound
from fanfare.domain.topic import Topic, create_again
from fanfare.ports import Deps

SHOWN = 100
"""Of a name, in an error."""


@dataclass(frozen=True, slots=True)
class CountedTopic:
    """A topic with the number of active devices that were subscribed to it up to 60 seconds ago."""

    topic: Topic
    subscriber_count: int


def create_topic(deps: Deps, call: Call, name: str, description: str | None) -> CountedTopic:
    """Store a topic; Conflict if there is one of this name, or one that is being deleted."""
    now = deps.clock.now()
    topic, told = Topic(name, created_at=now, updated_at=now, description=description), trail("topic.created", call.actor, now)
    if not deps.topics.create(call.tenant, topic, told):
        deps.topics.update(call.tenant, name, partial(create_again, new=topic), lambda _, after: told(None, after))
    return CountedTopic(topic, 0)


def get_topic(deps: Deps, tenant: str, name: str) -> Topic:
    """Find a topic; NotFound if there is none, or a deleted one."""
    found = deps.topics.get(tenant, name)
    if found is None or not found.is_active:
        raise NotFound.of("topic")
    return found


def count_topic(deps: Deps, tenant: str, topic: Topic) -> CountedTopic:
    """Count who is subscribed to a topic."""
    return CountedTopic(topic, deps.subscriptions.count(tenant, [topic.name])[topic.name])


def check_topic_exists(deps: Deps, tenant: str, name: str, field: str = "topic") -> None:
    """Refuse a topic that nobody created here, or that was deleted: InvalidRequest names it at `field`."""
    if not _is_known(deps, tenant, name, field):
        raise InvalidRequest.at(field, f"names no topic: {name[:SHOWN]}")


def check_topic_not_deleted(deps: Deps, tenant: str, name: str, field: str = "to.topic") -> None:
    """Refuse a topic that was created here and deleted: InvalidRequest names it at `field`.

    One that was never created here is FCM's own, to which apps subscribe by themselves.
    """
    _is_known(deps, tenant, name, field)


def _is_known(deps: Deps, tenant: str, name: str, field: str) -> bool:
    found = deps.topics.get(tenant, name)
    if found is not None and not found.is_active:
        raise InvalidRequest.at(field, f"names a topic that is deleted: {name[:SHOWN]}")
    return found is not None
