"""Apps report deliveries and readings: who may, of what, until when, and that saying it again changes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfare.domain.call import Call
from fanfare.domain.errors import InvalidRequest, Unavailable
from fanfare.domain.event import Event, EventKind
from fanfare.domain.listening import Listening
from fanfare.domain.receipt import Receipt, sign_receipt
from fanfare.domain.receipts import EVENT_KINDS, MOST_RECEIPTS, ReceiptChange, ReceiptEvent, ReceiptKey, Report, StoredReceipt
from fanfare.domain.registration import RegistrationPlan
from fanfare.domain.setting_rules import RETENTION_DAYS
from fanfare.services.identify_receipts import Refused
from fanfare.services.take_receipts import Rejected, Taken, take_receipts
from tests.factories import NOW, TENANT_ID, a_call, a_device, a_notification, a_profile, a_tenant, an_owner
from tests.fakes import FixedClock, MemoryAuditStore, MemoryNotificationStore, RecordingTaskQueue, fake_deps
from tests.fakes.receipts import MemoryReceiptStore

DELIVERED, READ = ReceiptEvent.DELIVERED, ReceiptEvent.READ
KEY = ReceiptKey("notification-1", "device-1")
SECOND = timedelta(seconds=1)
BY_TOKEN = replace(a_call(), receipt=Receipt(*KEY))
BY_USER = replace(a_call(), user="uid-1")


class _Racing(MemoryReceiptStore):
    """Refuses `races` saves, before each of which somebody else reports the same of the first message."""

    races = 0

    def save(self, tenant: str, changes: Sequence[ReceiptChange], events: Sequence[Event]) -> bool:
        if self.races:
            self.races -= 1
            theirs = StoredReceipt(changes[0].after.key, NOW, NOW + SECOND, revision=self.races)
            self.stored[tenant, theirs.key] = replace(theirs, revision=-self.races)
            return False
        return super().save(tenant, changes, events)


class World:
    """Two messages to two devices, a minute ago; somebody listens to what is reported."""

    def __init__(self, receipts: type[MemoryReceiptStore] = MemoryReceiptStore) -> None:
        self.clock, self.audit, self.tasks = FixedClock(NOW + 60 * SECOND), MemoryAuditStore(), RecordingTaskQueue()
        notifications = MemoryNotificationStore(self.audit)
        self.receipts = receipts(notifications, self.audit.events, self.clock)
        fakes: dict[str, Any] = {"notifications": notifications, "receipts": self.receipts, "clock": self.clock, "audit": self.audit}
        self.deps = fake_deps(**fakes, tasks=self.tasks)
        kinds = frozenset({EventKind.NOTIFICATION_DELIVERED, EventKind.NOTIFICATION_READ})
        self.deps.tenants.create(a_tenant(listening=Listening({"webhook-1": kinds})))
        for number in (1, 2):
            notifications.accept(a_notification(id=f"notification-{number}"), [])
            owner = an_owner(f"profile-{number}")
            assert self.deps.devices.save(TENANT_ID, [RegistrationPlan(a_device(id=f"device-{number}", owners=(owner,)))])
            self.deps.profiles.create(TENANT_ID, a_profile(id=f"profile-{number}", external_id=f"uid-{number}"))

    def token(self, number: int = 1, device: str = "device-1", tenant: str = TENANT_ID) -> str:
        return sign_receipt(self.deps.receipt_keys.receipt_key(tenant), f"notification-{number}", device)

    def take(self, *reports: Report, call: Call = BY_TOKEN, skip: bool = False) -> Taken:
        return take_receipts(self.deps, call, reports, skip_refused=skip)

    def stored(self, key: ReceiptKey = KEY) -> StoredReceipt:
        return self.receipts.stored[TENANT_ID, key]

    def told(self) -> list[tuple[EventKind, list[str]]]:
        return [(event.kind, [receipt["device_id"] for receipt in event.data["receipts"]]) for event in self.audit.events.told]


@pytest.fixture
def world() -> World:
    return World()


def test_reports_of_one_batch_are_noted_together_and_told_by_one_event_of_each_kind(world: World) -> None:
    taken = world.take(
        Report(world.token(), READ, NOW + 9 * SECOND),
        Report(world.token(), DELIVERED, NOW + 3 * SECOND),
        Report(world.token(2, "device-2"), DELIVERED),
    )
    assert taken == Taken(3, [])
    assert world.stored() == StoredReceipt(KEY, NOW, NOW + 3 * SECOND, NOW + 9 * SECOND)
    assert world.stored(ReceiptKey("notification-2", "device-2")).delivered_at == NOW + 60 * SECOND
    assert world.told() == [(EventKind.NOTIFICATION_DELIVERED, ["device-1", "device-2"]), (EventKind.NOTIFICATION_READ, ["device-1"])]
    assert [event.notification_ids for event in world.audit.events.told] == [("notification-1", "notification-2"), ("notification-1",)]
    assert [task.key.event_id for task in world.tasks.webhooks] == [event.id for event in world.audit.events.told]


def test_saying_it_again_stores_and_tells_nothing(world: World) -> None:
    reports = [Report(world.token(), DELIVERED, NOW + SECOND), Report(world.token(), READ, NOW + 2 * SECOND)]
    world.take(*reports)
    before, told = world.stored(), world.told()
    assert [world.take(*again) for again in (reports, reports[:1], reports[1:], [*reports, *reports])] == [Taken(n, []) for n in (2, 1, 1, 4)]
    assert (world.stored(), world.told()) == (before, told)
    assert world.stored().revision == before.revision


def test_nothing_is_told_to_nobody(world: World) -> None:
    world.deps.tenants.update(TENANT_ID, lambda tenant: replace(tenant, listening=Listening()))
    world.take(Report(world.token(), DELIVERED))
    assert (world.told(), world.tasks.webhooks) == ([], [])
    assert world.stored()


def test_times_that_cannot_be_are_corrected_and_do_not_count(world: World) -> None:
    world.take(Report(world.token(), DELIVERED, NOW + 3_600 * SECOND), Report(world.token(2, "device-2"), DELIVERED, NOW - SECOND))
    ahead, behind = world.stored(), world.stored(ReceiptKey("notification-2", "device-2"))
    assert (ahead.delivered_at, ahead.is_timed) == (NOW + 60 * SECOND, False)
    assert (behind.delivered_at, behind.is_timed) == (NOW, False)


def test_receipts_are_taken_until_their_retention_ends(world: World) -> None:
    world.clock.at = NOW + timedelta(days=RETENTION_DAYS["receipts"]) - SECOND
    assert world.take(Report(world.token(), DELIVERED)).accepted == 1
    world.clock.advance(SECOND)
    late = [Report(world.token(), READ), Report(world.token(2, "device-2"), DELIVERED)]
    assert world.take(*late, skip=True) == Taken(0, [Rejected(0, Refused.EXPIRED), Rejected(1, Refused.EXPIRED)])
    assert world.stored().read_at is None


@pytest.mark.parametrize("call", [BY_TOKEN, a_call(), BY_USER], ids=["token", "client", "user"])
def test_bad_reports_are_named_and_nothing_of_their_batch_is_stored(world: World, call: Call) -> None:
    bad = [world.token(tenant="globex"), world.token()[:-2] + "xx", world.token(9), "a", ""]
    reports = [Report(world.token(), DELIVERED), *(Report(token, DELIVERED) for token in bad)]
    with pytest.raises(InvalidRequest) as refused:
        world.take(*reports, call=call)
    assert [error.field for error in refused.value.errors] == [f"receipts.{index}.token" for index in range(1, 6)]
    assert all(token not in error.message for error in refused.value.errors for token in bad[:4] if len(token) > 1)
    assert (world.receipts.stored, world.told()) == ({}, [])
    reasons = [Refused.INVALID, Refused.INVALID, Refused.UNKNOWN, Refused.INVALID, Refused.INVALID]
    expected = [Rejected(index, reason) for index, reason in enumerate(reasons, 1)]
    assert world.take(*reports, call=call, skip=True) == Taken(1, expected)
    assert list(world.receipts.stored) == [(TENANT_ID, KEY)]


def test_dry_run_was_delivered_to_nobody(world: World) -> None:
    world.deps.notifications.accept(a_notification(id="notification-3", validate_only=True), [])
    assert world.take(Report(world.token(3), READ), skip=True).rejected == [Rejected(0, Refused.UNKNOWN)]


def test_client_reports_for_any_device_that_a_token_names(world: World) -> None:
    assert world.take(Report(world.token(1, "never-registered"), DELIVERED), call=a_call()).accepted == 1


@pytest.mark.parametrize(
    ("call", "device", "reason"),
    [
        (a_call(), "device-2", None),
        (a_call(), "unknown", Refused.NEEDS_DEVICE),
        (a_call(), None, Refused.NEEDS_DEVICE),
        (BY_USER, "device-1", None),
        (BY_USER, "device-2", Refused.NEEDS_DEVICE),
        (replace(BY_USER, user="nobody"), "device-1", Refused.NEEDS_DEVICE),
        (BY_TOKEN, "device-1", Refused.NEEDS_CALLER),
        (BY_TOKEN, None, Refused.NEEDS_CALLER),
    ],
)
def test_topics_message_is_reported_by_whoever_names_its_own_device(world: World, call: Call, device: str | None, reason: Refused | None) -> None:
    report = Report(world.token(1, ""), DELIVERED, device_id=device)
    expected = Taken(1, []) if reason is None else Taken(0, [Rejected(0, reason)])
    assert world.take(report, call=call, skip=True) == expected
    assert list(world.receipts.stored) == ([(TENANT_ID, ReceiptKey("notification-1", device))] if reason is None and device else [])


def test_user_reports_for_own_devices_alone(world: World) -> None:
    reports = [Report(world.token(), READ), Report(world.token(1, "device-2"), READ), Report(world.token(1, "unknown"), READ)]
    assert world.take(*reports, call=BY_USER, skip=True) == Taken(1, [Rejected(1, Refused.INVALID), Rejected(2, Refused.INVALID)])


def test_deleted_device_reports_nothing_of_a_topic(world: World) -> None:
    world.deps.devices.erase(TENANT_ID, ["device-2"])
    assert world.take(Report(world.token(1, ""), DELIVERED, device_id="device-2"), call=a_call(), skip=True).accepted == 0


def test_token_that_names_a_device_says_it_alone(world: World) -> None:
    with pytest.raises(InvalidRequest) as refused:
        world.take(Report(world.token(), DELIVERED, device_id="device-1"), call=a_call())
    assert [error.field for error in refused.value.errors] == ["receipts.0.device_id"]


def test_where_somebody_was_faster_it_is_decided_again() -> None:
    world = World(_Racing)
    assert isinstance(world.receipts, _Racing)
    world.receipts.races = 3
    world.take(Report(world.token(), READ, NOW + 5 * SECOND), Report(world.token(), DELIVERED, NOW + 2 * SECOND))
    assert (world.stored().delivered_at, world.stored().read_at) == (NOW + SECOND, NOW + 5 * SECOND)
    assert world.told() == [(EventKind.NOTIFICATION_READ, ["device-1"])], "what others have told is not told again"


def test_who_is_never_fast_enough_may_try_again_later() -> None:
    world = World(_Racing)
    assert isinstance(world.receipts, _Racing)
    world.receipts.races = 99
    with pytest.raises(Unavailable):
        world.take(Report(world.token(), READ))


def test_full_batch_is_noted_whole(world: World) -> None:
    reports = [Report(world.token(1, f"device-{number}"), DELIVERED) for number in range(MOST_RECEIPTS)]
    assert world.take(*reports, call=a_call()) == Taken(MOST_RECEIPTS, [])
    assert len(world.receipts.stored) == MOST_RECEIPTS
    assert sum(len(devices) for _, devices in world.told()) == MOST_RECEIPTS


def test_without_a_known_tenant_the_usual_retention_holds(world: World) -> None:
    world.deps.notifications.accept(a_notification(tenant="globex"), [])
    report = Report(world.token(tenant="globex"), DELIVERED)
    assert world.take(report, call=a_call(tenant="globex")).accepted == 1


class _Failing(MemoryReceiptStore):
    """Each save goes as `fates` say: well, refused, or stored and its answer never heard of."""

    fates: Iterator[str] = iter(())

    def save(self, tenant: str, changes: Sequence[ReceiptChange], events: Sequence[Event]) -> bool:
        fate = next(self.fates, "well")
        stored = super().save(tenant, changes, events) if fate != "refused" else False
        if fate == "unheard":
            raise Unavailable("Firestore does not answer.")
        return stored


batches = st.lists(st.tuples(st.sampled_from(ReceiptEvent), st.sampled_from((1, 2)), st.integers(-5, 90)), min_size=1, max_size=4)
fates = st.lists(st.sampled_from(("well", "refused", "unheard")), max_size=12)


@given(st.lists(batches, min_size=1, max_size=6), fates)
def test_whatever_is_lost_on_the_way_everything_is_noted_and_told_once(said: list[list[tuple[ReceiptEvent, int, int]]], fate: list[str]) -> None:
    world = World(_Failing)
    assert isinstance(world.receipts, _Failing)
    world.receipts.fates = iter(fate)
    for batch in said:
        reports = [Report(world.token(number), event, NOW + seconds * SECOND) for event, number, seconds in batch]
        for _ in range(len(fate) + 1):
            try:
                world.take(*reports)
                break
            except Unavailable:  # An app that hears nothing says it again.
                continue
    reported = {(number, event) for batch in said for event, number, _ in batch}
    implied = {(number, DELIVERED) for number, _ in reported}
    told = [(receipt["notification_id"], event.kind) for event in world.audit.events.told for receipt in event.data["receipts"]]
    assert sorted(told) == sorted((f"notification-{number}", EVENT_KINDS[event]) for number, event in reported | implied)
    for (_, key), receipt in world.receipts.stored.items():
        number = int(key.notification_id[-1])
        assert (receipt.read_at is not None, receipt.is_implied) == ((number, READ) in reported, (number, DELIVERED) not in reported)
        assert NOW <= receipt.delivered_at <= (receipt.read_at or receipt.delivered_at) <= world.clock.now()
