"""Deleting a topic: one commit takes it out of use, then everybody is unsubscribed page by page, at last its name is let go.

It may be let go two minutes after it was taken out of use, when nobody is found to be subscribed any more: a call that had read the topic, or a
registration that had read a subscribed profile, has ended by then.
"""

from __future__ import annotations

from functools import partial

from fanfare.domain.audit import AuditEntry, trail
from fanfare.domain.call import Actor, ActorKind, Call
from fanfare.domain.errors import NotFound
from fanfare.domain.following import unfollow_topic
from fanfare.domain.subscribing import forget_topic
from fanfare.domain.topic import Topic, begin_deletion, end_deletion
from fanfare.ports import Deps
from fanfare.services.nudge_topics import nudge_devices

PAGE = 100
PAGES_AT_ONCE = 2
"""Of devices and of profiles, while the caller waits."""
PAGES_PER_TASK = 100
MOST_TOPICS = 20
_FANOUT = Actor(ActorKind.FUNCTION, "fanout")


def delete_topic(deps: Deps, call: Call, name: str) -> None:
    """Delete a topic; NotFound if there is none. From the answer on it can't be used, and its devices are unsubscribed, many of them by tasks."""
    now = deps.clock.now()
    before = deps.topics.get(call.tenant, name)
    if before is None or not before.is_active:
        raise NotFound.of("topic")
    stored = deps.topics.update(call.tenant, name, partial(begin_deletion, now=now), trail("topic.deleted", call.actor, now))
    if stored is not None:
        _empty(deps, call.tenant, stored, call.actor, PAGES_AT_ONCE)
        deps.tasks.enqueue_topic_sync(call.tenant, (), call.request_id)


def go_on_deleting(deps: Deps, tenant: str, request_id: str) -> None:
    """Go on with a tenant's deletions and ask for another call where there is more to do, now or once a topic's time has come."""
    for topic in deps.topics.list_deleting(tenant, MOST_TOPICS):
        is_empty = _empty(deps, tenant, topic, _FANOUT, PAGES_PER_TASK)
        stored = deps.topics.update(tenant, topic.name, partial(end_deletion, now=deps.clock.now())) if is_empty else topic
        if stored is not None and stored.check_at is not None:
            deps.tasks.enqueue_topic_sync(tenant, (), request_id, stored.check_at if is_empty else None)


def _empty(deps: Deps, tenant: str, topic: Topic, actor: Actor, most_pages: int) -> bool:
    """Unsubscribe at most so many pages of profiles and of devices; tells whether nobody is left."""
    return _empty_profiles(deps, tenant, topic, actor, most_pages) and _empty_devices(deps, tenant, topic, actor, most_pages)


def _empty_profiles(deps: Deps, tenant: str, topic: Topic, actor: Actor, most_pages: int) -> bool:
    now = deps.clock.now()
    audit = AuditEntry("profile.unsubscribed", actor, now, facts={"topic": topic.name})
    for _ in range(most_pages):
        found = deps.subscriptions.find_profiles(tenant, topic.name, PAGE)
        deps.profiles.update_many(tenant, found, partial(unfollow_topic, topic=topic.name, now=now), audit)
        if len(found) < PAGE:
            return True
    return False


def _empty_devices(deps: Deps, tenant: str, topic: Topic, actor: Actor, most_pages: int) -> bool:
    audit = AuditEntry("device.unsubscribed", actor, deps.clock.now(), facts={"topic": topic.name})
    for _ in range(most_pages):
        found = deps.subscriptions.find_devices(tenant, topic.name, PAGE)
        changed = deps.devices.update_many(tenant, found, partial(forget_topic, topic=topic.name), audit)
        nudge_devices(deps, tenant, changed, actor.request_id or "")
        if len(found) < PAGE:
            return True
    return False
