"""What every store does with the events of a write: they are stored in its commit, with their deliveries, and not at all if it is refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from fanfare.domain.audit import AuditEntry, trail
from fanfare.domain.broadcast_progress import Part
from fanfare.domain.broadcast_steering import complete_broadcast, pause_broadcast
from fanfare.domain.call import Actor, ActorKind
from fanfare.domain.chunk import CLOCK_SKEW, LEASE, Chunk, ChunkKey, ChunkState, new_claim
from fanfare.domain.chunk_events import chunk_data
from fanfare.domain.device import Device
from fanfare.domain.event import Event, EventKind, encode_event
from fanfare.domain.fanning import Advanced, Fanout
from fanfare.domain.layout import Layout, Source
from fanfare.domain.notification import Counts, Notification, NotificationStatus
from fanfare.domain.outcome import Outcome, Result, count
from fanfare.domain.registration import RegistrationPlan
from fanfare.domain.steering import decide_cancel
from fanfare.domain.webhook_delivery import DeliveryKey
from tests.contract.stores.real import Stores
from tests.factories import NOW, a_device, a_notification, a_recipient, a_token

ID, PART = "notification-1", Part(0, 0)
KEY = ChunkKey("acme", ID, 0)
ACTOR = Actor(ActorKind.CLIENT, "client-1")
RESULTS = {"a": Result(Outcome.SENT, "projects/acme-app/messages/1", 200, 1, username="älice"), "b": Result(Outcome.FAILED, "UNREGISTERED", 404, 1)}


def _event(name: str = "event-1", kind: EventKind = EventKind.NOTIFICATION_SENT, data: Any = None) -> Event:
    return Event(name, "acme", kind, NOW, data or {"notification_id": ID}, (ID,), ("webhook-1",), "request-1")


def _is_told(stores: Stores, event: Event) -> bool:
    """Whether an event is stored as it was made, and its delivery beside it; never one of them alone."""
    stored = stores.events.get("acme", event.id)
    [delivery] = stores.deliveries.get_many([DeliveryKey("acme", "webhook-1", event.id)])
    assert (stored is None) == (delivery is None)
    if stored is not None:
        assert (stored.kind, stored.body, stored.notification_ids) == (event.kind, encode_event(event), (ID,))
    return stored is not None


@pytest.fixture
def accepted(stores: Stores, tenant: str) -> Stores:
    """A notification of one chunk."""
    assert tenant == "acme"
    stores.notifications.accept(a_notification(counts=Counts(2, unsent=2)), [a_recipient()])
    return stores


@pytest.fixture
def broadcast(stores: Stores, tenant: str) -> Stores:
    """A notification of two chunks, which are counted together."""
    assert tenant == "acme"
    layout = Layout(Source.RECIPIENTS, None, (17,))
    stores.notifications.accept(a_notification(status=NotificationStatus.SENDING, layout=layout, chunk_count=17), [a_recipient()])
    return stores


def _claim(stores: Stores, number: int = 0) -> Chunk:
    chunk = stores.chunks.claim(replace(KEY, number=number), "owner-1", NOW)
    assert isinstance(chunk, Chunk)
    return chunk


def _done(chunk: Chunk) -> Chunk:
    return replace(chunk, state=ChunkState.DONE, next_check_at=None, results=RESULTS, counts=count(RESULTS.values(), 2))


def _notification(stores: Stores) -> Notification:
    found = stores.notifications.get("acme", ID)
    assert found is not None
    return found


def test_acceptance_is_told_with_its_commit_and_a_repeat_is_not(accepted: Stores) -> None:
    assert accepted.notifications.accept(a_notification(id="nobody", status=NotificationStatus.COMPLETED), (), events=[_event()]) is None
    assert _is_told(accepted, _event())
    assert accepted.notifications.accept(a_notification(id="nobody"), (), events=[_event("event-2")]) is not None
    assert not _is_told(accepted, _event("event-2"))


# Chunks


def test_pass_of_one_chunk_is_told_with_its_end(accepted: Stores) -> None:
    event = _event(data=chunk_data(a_notification(), 0, list(RESULTS.items())))
    assert accepted.chunks.conclude(_done(_claim(accepted)), a_notification(status=NotificationStatus.COMPLETED), events=[event])
    assert _is_told(accepted, event)


def test_claim_that_was_lost_tells_nothing(accepted: Stores) -> None:
    lost = _claim(accepted)
    assert isinstance(accepted.chunks.claim(KEY, "owner-2", NOW + LEASE + CLOCK_SKEW), Chunk)
    assert not accepted.chunks.conclude(_done(lost), a_notification(), events=[_event()])
    assert not _is_told(accepted, _event())


def test_end_after_a_checkpoint_that_was_stored_late_is_told_once(accepted: Stores) -> None:
    claim = _claim(accepted)
    accepted.chunks.save_chunk(claim)
    assert accepted.chunks.conclude(_done(claim), a_notification(), events=[_event()])
    assert _is_told(accepted, _event())


def test_pass_of_one_chunk_of_many_is_told_with_its_end(broadcast: Stores) -> None:
    assert broadcast.progress.conclude(_done(_claim(broadcast)), PART, events=[_event(), _event("event-2", EventKind.NOTIFICATION_FAILED)]) == 1
    assert _is_told(broadcast, _event())
    assert _is_told(broadcast, _event("event-2", EventKind.NOTIFICATION_FAILED))


def test_claim_of_many_that_was_lost_tells_nothing(broadcast: Stores) -> None:
    stranger = replace(new_claim(KEY, "owner-9", NOW), revision=_claim(broadcast, 16).revision)
    _claim(broadcast)
    assert broadcast.progress.conclude(_done(stranger), PART, events=[_event()]) is None
    assert not _is_told(broadcast, _event())


def test_what_a_checkpoint_keeps_for_later_survives_a_takeover_and_goes_with_the_end(accepted: Stores) -> None:
    accepted.chunks.save_chunk(replace(_claim(accepted), results=RESULTS, unannounced=("a", "b")))
    taken = accepted.chunks.claim(KEY, "owner-2", NOW + LEASE + CLOCK_SKEW)
    assert isinstance(taken, Chunk)
    [stored] = accepted.chunks.get_many([KEY])
    assert stored is not None
    assert taken.unannounced == stored.unannounced == ("a", "b")
    assert accepted.chunks.conclude(replace(_done(taken), unannounced=()), a_notification())
    [stored] = accepted.chunks.get_many([KEY])
    assert stored is not None
    assert stored.unannounced == ()


# Notifications


def test_steering_is_told_with_its_commit(accepted: Stores) -> None:
    def decide(notification: Notification, chunk: Chunk | None) -> Any:
        steered = decide_cancel(notification, chunk, NOW)
        return replace(steered, events=(_event(),)) if steered is not None else None

    accepted.notifications.steer(KEY, decide, trail("notification.cancelled", ACTOR, NOW))
    assert _is_told(accepted, _event())


def test_change_of_a_notification_of_many_is_told_with_its_states(broadcast: Stores) -> None:
    seen: list[tuple[NotificationStatus, NotificationStatus]] = []

    def announce(before: Notification, after: Notification) -> Sequence[Event]:
        seen.append((before.status, after.status))
        return [_event()]

    broadcast.notifications.update("acme", ID, lambda stored: pause_broadcast(stored, NOW), announce=announce)
    assert seen == [(NotificationStatus.SENDING, NotificationStatus.PAUSED)]
    assert _is_told(broadcast, _event())


def test_change_that_is_none_tells_nothing(broadcast: Stores) -> None:
    broadcast.notifications.update("acme", ID, lambda _: None, announce=lambda *_: [_event()])
    broadcast.progress.settle("acme", ID, lambda stored, progress: complete_broadcast(stored, progress, NOW), announce=lambda *_: [_event()])
    assert not _is_told(broadcast, _event())


def test_completion_of_many_is_told_with_its_commit(broadcast: Stores) -> None:
    for number in range(17):
        broadcast.progress.conclude(_done(_claim(broadcast, number)), Part(0, number % 16))
    broadcast.progress.settle("acme", ID, lambda stored, progress: complete_broadcast(stored, progress, NOW), announce=lambda *_: [_event()])
    assert _notification(broadcast).status is NotificationStatus.COMPLETED
    assert _is_told(broadcast, _event())


def test_step_of_a_fan_out_is_told_with_its_commit(broadcast: Stores) -> None:
    broadcast.broadcasts.advance("acme", ID, lambda *_: Advanced(Fanout("owner", NOW), events=(_event(),)))
    assert _is_told(broadcast, _event())


# Devices

DEVICE_EVENT = _event(kind=EventKind.DEVICE_DEACTIVATED)


def _devices(stores: Stores, count: int = 2) -> list[str]:
    ids = [f"device-{number}" for number in range(count)]
    assert stores.devices.save("acme", [RegistrationPlan(a_device(id=name, target=a_token(name))) for name in ids])
    return ids


def _inactive(device: Device) -> Device:
    return replace(device, active=False)


def test_devices_of_a_registration_are_told_by_its_entry(stores: Stores, tenant: str) -> None:
    entry = AuditEntry("device.registered", ACTOR, NOW, ("device-1",), events=(DEVICE_EVENT,))
    assert stores.devices.save(tenant, [RegistrationPlan(a_device())], entry)
    assert _is_told(stores, DEVICE_EVENT)
    again = replace(entry, events=(replace(DEVICE_EVENT, id="event-2"),))
    assert not stores.devices.save(tenant, [RegistrationPlan(a_device())], again)
    assert not _is_told(stores, replace(DEVICE_EVENT, id="event-2"))


def test_one_device_is_told_as_it_was_and_as_it_becomes(stores: Stores, tenant: str) -> None:
    _devices(stores)
    seen: list[bool] = []

    def announce(before: Sequence[Device], after: Sequence[Device]) -> Sequence[Event]:
        seen.extend(device.active for device in (*before, *after))
        return [DEVICE_EVENT]

    stores.devices.update(tenant, "device-0", _inactive, announce=announce)
    assert seen == [True, False]
    assert _is_told(stores, DEVICE_EVENT)


def test_many_devices_are_told_by_one_event_of_their_commit(stores: Stores, tenant: str) -> None:
    ids = _devices(stores)
    seen: list[tuple[list[str], list[bool]]] = []

    def announce(before: Sequence[Device], after: Sequence[Device]) -> Sequence[Event]:
        seen.append(([device.id for device in before], [device.active for device in after]))
        return [DEVICE_EVENT]

    assert stores.devices.update_many(tenant, [*ids, "nobody"], _inactive, announce=announce) == ids
    assert seen == [(ids, [False, False])]
    assert _is_told(stores, DEVICE_EVENT)


def test_devices_that_stay_as_they_are_tell_nothing(stores: Stores, tenant: str) -> None:
    ids = _devices(stores)
    assert stores.devices.update_many(tenant, ids, lambda _: None, announce=lambda *_: [DEVICE_EVENT]) == []
    stores.devices.erase(tenant, ids, only_if=lambda _: False, announce=lambda *_: [DEVICE_EVENT])
    assert not _is_told(stores, DEVICE_EVENT)


def test_where_another_writer_was_faster_each_device_is_told_by_itself(stores: Stores, tenant: str) -> None:
    ids = _devices(stores)
    decided: list[str] = []
    events: list[Event] = []

    def decide(device: Device) -> Device:
        decided.append(device.id)
        if len(decided) == 1:
            stores.devices.update(tenant, "device-1", lambda stored: replace(stored, model="Pixel 9"))
        return _inactive(device)

    def announce(before: Sequence[Device], _: Sequence[Device]) -> Sequence[Event]:
        events.append(replace(DEVICE_EVENT, id=f"event-{len(events)}", data={"devices": [device.id for device in before]}))
        return events[-1:]

    assert stores.devices.update_many(tenant, ids, decide, announce=announce) == ids
    stored = [event for event in events if _is_told(stores, event)]
    assert sorted(name for event in stored for name in event.data["devices"]) == ids


def test_erased_devices_are_told_as_they_were(stores: Stores, tenant: str) -> None:
    ids = _devices(stores)
    seen: list[tuple[list[str], list[Any]]] = []

    def announce(before: Sequence[Device], after: Sequence[Device | None]) -> Sequence[Event]:
        seen.append(([device.id for device in before], list(after)))
        return [DEVICE_EVENT]

    assert stores.devices.erase(tenant, ids, announce=announce) == 2
    assert seen == [(ids, [None, None])]
    assert _is_told(stores, DEVICE_EVENT)
