"""Devices, profiles and topics of a tenant whose FCM remembers who is subscribed; and tasks that are performed when a test says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fanfare.ports import Deps
from fanfare.services.sync_topics import sync_topics
from fanfare.services.topics import create_topic
from tests.factories import TENANT_ID, a_call, a_device, a_tenant
from tests.fakes import FixedClock, RecordingTaskQueue, ScriptedTopicSubscriber, fake_deps
from tests.unit.services.seeding import add_devices


@dataclass(frozen=True)
class Scene:
    """Services over fakes that a test looks into."""

    deps: Deps
    fcm: ScriptedTopicSubscriber
    tasks: RecordingTaskQueue
    clock: FixedClock

    def known(self, device_id: str) -> set[str]:
        """What FCM knows of a device of `a_device`."""
        return {topic for target, topic in self.fcm.known if target == f"APA91b:token-{device_id}"}

    def run_tasks(self) -> int:
        """Perform the tasks that are due, those that they ask for included; returns how many."""
        count = 0
        while task := next((task for task in self.tasks.fanouts if task.due_at is None or task.due_at <= self.clock.now()), None):
            self.tasks.fanouts.remove(task)
            sync_topics(self.deps, task.tenant, task.subject, task.request_id)
            count += 1
        return count


def a_scene(*topics: str, devices: int = 0, **overrides: Any) -> Scene:
    """A tenant with these topics and devices d0, d1 and so on."""
    clock, fcm, tasks = FixedClock(), ScriptedTopicSubscriber(), RecordingTaskQueue()
    deps = fake_deps(clock=clock, subscriber=fcm, tasks=tasks, **overrides)
    deps.tenants.create(a_tenant())
    for topic in topics:
        create_topic(deps, a_call(), topic, None)
    if devices:
        add_devices(deps, *(a_device(id=f"d{number}") for number in range(devices)))
    return Scene(deps, fcm, tasks, clock)


def topics_of(deps: Deps, device_id: str = "d0") -> tuple[str, ...]:
    """What a stored device is subscribed to."""
    return deps.devices.get(TENANT_ID, [device_id])[0].topics
