"""Topics and subscriptions in memory, and FCM's subscriptions by a script."""

from __future__ import annotations

import builtins
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime

from fanfare.domain.audit import Trail
from fanfare.domain.classification import Answer
from fanfare.domain.device import Device
from fanfare.domain.listing import Page
from fanfare.domain.subscribing import Subscription
from fanfare.domain.tenant import Tenant
from fanfare.domain.topic import Topic, TopicState
from tests.fakes.audit import MemoryAuditStore
from tests.fakes.devices import MemoryDeviceStore
from tests.fakes.pages import page_of
from tests.fakes.profiles import MemoryProfileStore


class MemoryTopicStore:
    def __init__(self, audit: MemoryAuditStore | None = None) -> None:
        self._audit = audit or MemoryAuditStore()
        self._lock = threading.Lock()
        self._topics: dict[tuple[str, str], Topic] = {}

    def get(self, tenant: str, name: str) -> Topic | None:
        return self._topics.get((tenant, name))

    def create(self, tenant: str, topic: Topic, audit: Trail) -> bool:
        with self._lock:
            if (tenant, topic.name) in self._topics:
                return False
            self._topics[tenant, topic.name] = topic
            self._audit.record(tenant, audit(None, topic))
            return True

    def update(self, tenant: str, name: str, decide: Callable[[Topic], Topic | None], audit: Trail | None = None) -> Topic | None:
        with self._lock:
            before = self.get(tenant, name)
            after = decide(before) if before is not None else None
            if before is None or after is None:
                return before
            self._topics[tenant, name] = after
            if audit is not None:
                self._audit.record(tenant, audit(before, after))
            return after

    def list(self, tenant: str, prefix: str | None, limit: int, after: str | None) -> Page[Topic]:
        return page_of(self._topics, tenant, lambda topic: topic.is_active and topic.name.startswith(prefix or ""), limit, after)

    def list_deleting(self, tenant: str, limit: int) -> Sequence[Topic]:
        found = [topic for (owner, _), topic in sorted(self._topics.items()) if owner == tenant]
        return [topic for topic in found if topic.state is TopicState.DELETING][:limit]

    def find_deleting(self, now: datetime, limit: int) -> Sequence[str]:
        due = sorted((topic.check_at, tenant) for (tenant, _), topic in self._topics.items() if topic.check_at is not None and topic.check_at <= now)
        return [*dict.fromkeys(tenant for _, tenant in due[:limit])]


class MemorySubscriptionStore:
    """Looks into the devices and profiles of the other fakes, and counts anew each time."""

    def __init__(self, devices: MemoryDeviceStore, profiles: MemoryProfileStore) -> None:
        self._devices = devices
        self._profiles = profiles

    def count(self, tenant: str, topics: Sequence[str]) -> Mapping[str, int]:
        devices = [device for owner, device in self._devices.everything() if owner == tenant and device.active]
        return {topic: sum(topic in device.topics for device in devices) for topic in topics}

    def find_devices(self, tenant: str, topic: str, limit: int) -> Sequence[str]:
        return [device.id for owner, device in self._devices.everything() if owner == tenant and topic in device.topics][:limit]

    def find_profiles(self, tenant: str, topic: str, limit: int) -> Sequence[str]:
        return [profile.id for owner, profile in self._profiles.everything() if owner == tenant and topic in profile.topics][:limit]

    def list_of_profiles(self, tenant: str, profile_ids: Sequence[str], limit: int, after: str | None) -> Page[Device]:
        stored = {(owner, device.id): device for owner, device in self._devices.everything()}
        return page_of(stored, tenant, lambda device: not set(profile_ids).isdisjoint(device.profile_ids), limit, after)

    def note(self, tenant: str, device_ids: Sequence[str], decide: Callable[[Device], Device | None]) -> builtins.list[Device]:
        return [device for device_id in dict.fromkeys(device_ids) if (device := self._devices.note(tenant, device_id, decide))]

    def find_unsynced(self, now: datetime, limit: int) -> Sequence[tuple[str, str]]:
        checks = [(device.topic_sync.check_at, owner, device.id) for owner, device in self._devices.everything()]
        return [(owner, device_id) for _, owner, device_id in sorted(row for row in checks if row[0] is not None and row[0] <= now)][:limit]  # type: ignore[type-var]

    def find_untold(self, now: datetime, limit: int) -> Sequence[tuple[str, str]]:
        checks = [(profile.topics_check_at, owner, profile.id) for owner, profile in self._profiles.everything()]
        return [(owner, profile_id) for _, owner, profile_id in sorted(row for row in checks if row[0] is not None and row[0] <= now)][:limit]  # type: ignore[type-var]


class ScriptedTopicSubscriber:
    """FCM's memory of who is subscribed, in `known` as (target, topic), for the targets and topics that `answers` says nothing else of.

    `on_told` is called when something was told and its answer has not been handed over: somebody changes the device then.
    """

    def __init__(self, answers: Mapping[str, Answer] | None = None, *, failure: Exception | None = None) -> None:
        self.answers = dict(answers or {})
        self.failure = failure
        self.known: set[tuple[str, str]] = set()
        self.told: list[tuple[str, str, bool]] = []
        self.on_told: Callable[[], object] = lambda: None

    def tell(self, tenant: Tenant, subscriptions: Sequence[Subscription]) -> Iterator[Sequence[tuple[Subscription, Answer]]]:
        if self.failure is not None:
            raise self.failure
        for subscription in subscriptions:
            answered = [(subscription, self._answer(subscription))]
            self.on_told()
            yield answered

    def _answer(self, subscription: Subscription) -> Answer:
        place = (subscription.target.value, subscription.topic)
        self.told.append((*place, subscription.subscribed))
        scripted = self.answers.get(subscription.target.value) or self.answers.get(subscription.topic)
        if scripted is not None:
            return scripted
        if subscription.subscribed:
            self.known.add(place)
        else:
            self.known.discard(place)
        return Answer(200, b"{}")
