"""A tenant with devices and a chunk to deliver, on the fakes, and FCM's answers to script it with."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from fanfare.domain.audit import AuditEntry
from fanfare.domain.chunk import Busy, Chunk, ChunkKey, Finished
from fanfare.domain.classification import Answer
from fanfare.domain.device import Device
from fanfare.domain.filters import AuditFilter
from fanfare.domain.message import Platform
from fanfare.domain.notification import FIRST_CHECK, Counts, Notification
from fanfare.domain.outcome import Outcome
from fanfare.domain.recipient import Recipient, recipient_of
from fanfare.domain.registration import RegistrationPlan
from fanfare.domain.send_request import message_of
from fanfare.domain.tenant import Tenant
from fanfare.ports import Deps
from fanfare.services.deliver_chunk import deliver_chunk
from fanfare.services.sweep import sweep
from local.fcm.errors import ErrorName, named_error
from tests.factories import TENANT_ID, a_device, a_notification, a_tenant, an_owner
from tests.fakes import (
    FixedClock,
    FixedLifecycle,
    MemoryAuditStore,
    MemoryTenantStore,
    RecordingLog,
    RecordingTaskQueue,
    ScriptedPushSender,
    SequentialIdentifiers,
    fake_deps,
)

KEY = ChunkKey(TENANT_ID, "notification-1", 0)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
ANDROID, IOS, WEB = Platform.ANDROID, Platform.IOS, Platform.WEB


def fcm(name: ErrorName, retry_after_seconds: int = 0) -> Answer:
    """One of FCM's errors as it comes off the wire."""
    answer = named_error(name)
    body = answer.body if isinstance(answer.body, str) else json.dumps(answer.body)
    return Answer(answer.status, body.encode(), retry_after_seconds)


GONE = fcm(ErrorName.UNREGISTERED)
FOREIGN = fcm(ErrorName.SENDER_ID_MISMATCH)
BAD_TARGET = fcm(ErrorName.INVALID_ARGUMENT_TOKEN)
BAD_PAYLOAD = fcm(ErrorName.INVALID_ARGUMENT_PAYLOAD)
BUSY = fcm(ErrorName.UNAVAILABLE)
RATE = fcm(ErrorName.QUOTA_EXCEEDED_MESSAGE_RATE)
NO_LOGIN = fcm(ErrorName.UNAUTHENTICATED)
FORBIDDEN = fcm(ErrorName.PERMISSION_DENIED)
BAD_KEY = fcm(ErrorName.THIRD_PARTY_AUTH_ERROR)
SILENCE = Answer(0)


@dataclass(frozen=True)
class World:
    """The fakes that a delivery works on. `at` of the clock is the factories' NOW to begin with; nothing is drawn at random."""

    clock: FixedClock
    sender: ScriptedPushSender
    tasks: RecordingTaskQueue
    lifecycle: FixedLifecycle
    tenants: MemoryTenantStore
    log: RecordingLog
    deps: Deps

    def answer(self, answers: Mapping[int, Answer]) -> None:
        """Script FCM: the answer to each numbered device; the others are accepted."""
        self.sender.answers = {_device(number).target.value: answer for number, answer in answers.items()}

    def deliver(self, key: ChunkKey = KEY) -> Busy | Finished:
        return deliver_chunk(self.deps, key, "request-1")

    def pass_later(self, step: timedelta) -> Busy | Finished:
        """Deliver after some time."""
        self.clock.advance(step)
        return self.deliver()

    def chunk(self, key: ChunkKey = KEY) -> Chunk:
        found = self.deps.notifications.get_with_chunk(key)
        assert found is not None
        assert found[1] is not None
        return found[1]

    def notification(self, notification_id: str = KEY.notification_id) -> Notification:
        found = self.deps.notifications.get(TENANT_ID, notification_id)
        assert found is not None
        return found

    def tenant(self) -> Tenant:
        found = self.tenants.get_fresh(TENANT_ID)
        assert found is not None
        return found

    def device(self, number: int) -> Device:
        return self.deps.devices.get(TENANT_ID, [f"device-{number}"])[0]

    def retired(self) -> list[int]:
        """The numbers of the devices that were retired."""
        numbers = range(1, 1_000)
        devices = self.deps.devices.get(TENANT_ID, [f"device-{number}" for number in numbers])
        return [int(device.id.removeprefix("device-")) for device in devices if not device.active]

    def outcomes(self, key: ChunkKey = KEY) -> dict[int, Outcome]:
        """What became of each numbered device."""
        return {int(device_id.removeprefix("device-")): result.outcome for device_id, result in self.chunk(key).results.items()}

    def sent_to(self) -> list[int]:
        """Whom a message was posted to since this was asked last, in order."""
        posted = [int(key.removeprefix("device-")) for key, body in self.sender.sent if not body.get("validate_only")]
        self.sender.sent.clear()
        return posted

    def due(self) -> list[datetime | None]:
        """The due times of the tasks that were enqueued since this was asked last."""
        due = [task.due_at for task in self.tasks.sends]
        self.tasks.sends.clear()
        return due

    def sweep(self) -> list[ChunkKey]:
        """One tick; the chunks that it nudged."""
        self.tasks.sends.clear()
        sweep(self.deps, "tick")
        nudged = [task.key for task in self.tasks.sends]
        self.tasks.sends.clear()
        return nudged

    def tick(self, step: timedelta = MINUTE) -> None:
        """Let time pass, sweep, and deliver what was nudged."""
        self.clock.advance(step)
        for key in self.sweep():
            self.deliver(key)


def a_world(*platforms: Platform, batch_size: int = 100, **overrides: Any) -> World:
    """A tenant, and numbered devices of these platforms, from 1 on."""
    clock, sender = FixedClock(), ScriptedPushSender(batch_size=batch_size)
    tasks, lifecycle, log, audit = RecordingTaskQueue(), FixedLifecycle(), RecordingLog(), overrides.pop("audit", None) or MemoryAuditStore()
    tenants = MemoryTenantStore(audit)
    deps = fake_deps(
        clock=clock,
        sender=sender,
        tasks=tasks,
        lifecycle=lifecycle,
        tenants=tenants,
        audit=audit,
        log=log,
        identifiers=SequentialIdentifiers(chance=0.0),
        **overrides,
    )
    tenants.create(a_tenant())
    if platforms:
        assert deps.devices.save(TENANT_ID, [RegistrationPlan(_device(number, platform)) for number, platform in enumerate(platforms, start=1)])
    return World(clock, sender, tasks, lifecycle, tenants, log, deps)


def accepted(world: World, *numbers: int, rows: Sequence[Recipient] | None = None, **fields: Any) -> World:
    """Store a notification to some of the devices, else to all of them, as `api` does; its nudge is left to the test."""
    everybody = numbers or range(1, 1_000)
    found = world.deps.devices.get(TENANT_ID, [f"device-{number}" for number in everybody])
    recipients = rows if rows is not None else [recipient_of(device) for device in found]
    now, request = world.clock.now(), fields.pop("request", {"title": "Order confirmed"})
    counts = Counts(len(recipients), unsent=len(recipients))
    usual: dict[str, Any] = {"counts": counts, "created_at": now, "planned_at": now, "next_check_at": now + FIRST_CHECK}
    notification = a_notification(**usual | {"message": message_of(request), "request": request} | fields)
    assert world.deps.notifications.accept(notification, recipients) is None
    return world


def a_chunk_of(*platforms: Platform, batch_size: int = 100, **fields: Any) -> World:
    """A world whose `notification-1` goes to one device of each platform."""
    return accepted(a_world(*platforms, batch_size=batch_size), **fields)


def every(step: timedelta, world: World) -> Callable[[], None]:
    """For `on_batch`: each batch of answers takes so long to come."""
    return lambda: world.clock.advance(step)


def _device(number: int, platform: Platform = ANDROID) -> Device:
    return a_device(id=f"device-{number}", platform=platform, owners=(an_owner(f"profile-{number}"),))


def audited(world: World) -> list[AuditEntry]:
    """The tenant's audit log, the oldest entry first."""
    page = world.deps.audit.list(TENANT_ID, AuditFilter(), 200, None)
    return [stored.entry for stored in reversed(page.items)]
