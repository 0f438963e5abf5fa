"""Which topics a device is to be subscribed to, and what FCM must be told for it.

| what changes | what becomes pending |
|---|---|
| its topics | the topics that came or went |
| active → inactive, for whatever reason but a dead target | all its topics: FCM is to send it nothing any more |
| inactive → active | all its topics |
| its target | all its topics, for the new target; the old one is taken leave of once |
| its target is dead (FCM said so) | nothing: FCM has forgotten it |

What FCM is to be told of a pending topic is never stored: it follows from the device as it is when FCM is told, so that of two changes the last one
counts. The store notes all of this in the commit of the change itself, whoever makes it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from fanfare.domain.device import Device, InactiveReason
from fanfare.domain.target import Target
from fanfare.domain.topic import has_room
from fanfare.domain.topic_sync import IN_SYNC, TopicSync

MOST_ERRORS = 20
TOO_MANY_TOPICS = "TOO_MANY_TOPICS"
"""Our own code of what does not fit to a device any more."""
DEAD = frozenset({InactiveReason.UNREGISTERED, InactiveReason.SENDER_ID_MISMATCH, InactiveReason.INVALID_TARGET})
"""Why a device is inactive of which FCM knows nothing any more."""


class Subscription(NamedTuple):
    """What FCM is to be told: whether a target is subscribed to a topic."""

    device_id: str
    target: Target
    topic: str
    subscribed: bool


def join_topic(device: Device, topic: str) -> Device | None:
    """Subscribe a device; None if it is subscribed."""
    return None if topic in device.topics else replace(device, topics=tuple(sorted((*device.topics, topic))))


def leave_topic(device: Device, topic: str) -> Device | None:
    """Unsubscribe a device; None if it is not subscribed. What its profiles are subscribed to stays theirs: it stays away until they come anew."""
    return replace(device, topics=tuple(each for each in device.topics if each != topic)) if topic in device.topics else None


def forget_topic(device: Device, topic: str) -> Device | None:
    """Unsubscribe a device from a topic that is deleted, also by what it remembers of its profiles; None if it knows nothing of it."""
    owners = tuple(replace(owner, topics=tuple(each for each in owner.topics if each != topic)) for owner in device.owners)
    forgotten = replace(leave_topic(device, topic) or device, owners=owners)
    return forgotten if forgotten != device else None


def follow_owners(before: Device, after: Device) -> Device:
    """Subscribe a device to what its owners have come to, and unsubscribe it from what they have left or who left it was subscribed to.

    What does not fit any more is noted as refused.
    """
    had, have = _of_owners(before), _of_owners(after)
    if had == have:
        return after
    topics = {topic for topic in after.topics if topic not in had - have}
    refused = []
    for topic in sorted(have - had - topics):
        if has_room(topics, topic):
            topics.add(topic)
        else:
            refused.append((topic, TOO_MANY_TOPICS))
    sync = replace(after.topic_sync, errors=latest_errors((*after.topic_sync.errors, *refused)))
    return replace(after, topics=tuple(sorted(topics)), topic_sync=sync)


def note_changes(before: Device | None, after: Device) -> Device:
    """Note what FCM does not know yet of a device that is to be stored."""
    if after.inactive_reason in DEAD:
        return replace(after, topic_sync=IN_SYNC)
    sync, wanted = after.topic_sync, wanted_topics(after)
    if before is None or before.target != after.target:
        ours = tuple(error for error in sync.errors if error[1] == TOO_MANY_TOPICS)
        return replace(after, topic_sync=TopicSync(_sorted(wanted), errors=ours))
    turned = wanted_topics(before) ^ wanted
    if not turned:
        return after
    contested = {*sync.contested, *turned.intersection(sync.pending)}
    errors = tuple(error for error in sync.errors if error[0] not in turned)
    return replace(after, topic_sync=TopicSync(_sorted(turned.union(sync.pending)), _sorted(contested), errors=errors))


def retry_refused(device: Device) -> Device:
    """Let FCM be told anew what it refused, now that the device has been heard of."""
    refused = {topic for topic, code in device.topic_sync.errors if code != TOO_MANY_TOPICS}
    if not refused:
        return device
    sync = device.topic_sync
    errors = tuple(error for error in sync.errors if error[0] not in refused)
    pending = _sorted(refused.union(sync.pending))
    return replace(device, topic_sync=replace(sync, pending=pending, errors=errors, check_at=None, attempt=0))


def subscriptions_of(device: Device) -> list[Subscription]:
    """What FCM is to be told of a device."""
    wanted = wanted_topics(device)
    return [Subscription(device.id, device.target, topic, topic in wanted) for topic in device.topic_sync.pending]


def farewells_of(device: Device) -> list[Subscription]:
    """What FCM is to be told of a device that is erased, or of its former target: all that it may be subscribed to."""
    if device.inactive_reason in DEAD:
        return []
    return [
        Subscription(device.id, device.target, topic, subscribed=False) for topic in _sorted({*wanted_topics(device), *device.topic_sync.pending})
    ]


def postpone(device: Device, until: datetime) -> Device | None:
    """Let FCM be told later, because the tenant's project is broken; None if there is nothing to tell."""
    return replace(device, topic_sync=replace(device.topic_sync, check_at=until)) if device.topic_sync.pending else None


def wanted_topics(device: Device) -> frozenset[str]:
    """What FCM is to send a device: nothing while it is inactive."""
    return frozenset(device.topics) if device.active else frozenset()


def _of_owners(device: Device) -> frozenset[str]:
    return frozenset(topic for owner in device.owners for topic in owner.topics)


def _sorted(topics: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(topics))


def latest_errors(errors: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Keep the last error of each topic, and of those the last twenty."""
    return tuple(dict(errors).items())[-MOST_ERRORS:]
