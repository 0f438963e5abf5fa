"""A topic: a name under which devices and profiles are gathered, here and at FCM.

| state | shown | may be sent to | what is under way |
|---|---|---|---|
| active | yes | yes | |
| deleting | no | no | its devices and profiles are unsubscribed; its name stays taken until all are, and nobody can be half in |
| deleted | no | no, until it is created anew | |
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from fanfare.domain.errors import Conflict

MOST_TOPICS = 2_000
"""Of one install, says FCM (firebase.google.com/docs/cloud-messaging/topic-messaging); here of a profile as well."""
MOST_NAME_BYTES = 40_000
"""Of one device's topics, all names together: a document holds 1 MiB, and names them up to four times."""
MOST_PROFILE_NAME_BYTES = 20_000
"""Of one profile's topics: a hundred profiles are written in one commit."""
LONGEST_DESCRIPTION = 1_000
DELETE_AFTER = timedelta(minutes=2)
"""When a deletion may end: a call that had read the topic before it has ended by then."""

_NAME = re.compile(r"(?!\.{1,2}\Z)(?!__.*__\Z)[a-zA-Z0-9\-_.~%]{1,900}\Z")
"""FCM's names, but for those that can't stand in a path."""


class TopicState(StrEnum):
    """What a topic is."""

    ACTIVE = "active"
    DELETING = "deleting"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic of a tenant. `check_at` is when its deletion may end; `revision` the store's mark of the state that was read."""

    name: str
    created_at: datetime
    updated_at: datetime
    description: str | None = None
    state: TopicState = TopicState.ACTIVE
    check_at: datetime | None = None
    revision: object = field(default=None, compare=False, repr=False)

    @property
    def is_active(self) -> bool:
        """Whether it can be subscribed to and sent to."""
        return self.state is TopicState.ACTIVE


def is_topic_name(text: str) -> bool:
    """Tell whether a topic of ours may have this name; it stands in paths."""
    return _NAME.match(text) is not None


def create_again(stored: Topic, new: Topic) -> Topic:
    """Put a new topic where one was deleted; Conflict while the name is taken."""
    if stored.state is TopicState.DELETED:
        return new
    raise Conflict("There is a topic of this name." if stored.is_active else "A topic of this name is being deleted; try again in a few minutes.")


def begin_deletion(topic: Topic, now: datetime) -> Topic | None:
    """Take a topic out of use; None if it is out of use already."""
    return replace(topic, state=TopicState.DELETING, updated_at=now, check_at=now + DELETE_AFTER) if topic.is_active else None


def end_deletion(topic: Topic, now: datetime) -> Topic | None:
    """Let go of the name, nobody being subscribed any more; None if it is too early for that, or not the time."""
    if topic.state is not TopicState.DELETING or topic.check_at is None or topic.check_at > now:
        return None
    return replace(topic, state=TopicState.DELETED, updated_at=now, check_at=None)


def has_room(topics: Iterable[str], name: str, most_bytes: int = MOST_NAME_BYTES) -> bool:
    """Tell whether one more topic fits to these."""
    names = {*topics, name}
    return len(names) <= MOST_TOPICS and sum(map(len, names)) <= most_bytes
