"""What every store of schedules does."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from google.cloud.firestore import Client as Firestore

from fanfare.domain.audit import AuditEntry, trail
from fanfare.domain.call import Actor, ActorKind
from fanfare.domain.chunk import ChunkKey
from fanfare.domain.errors import Conflict
from fanfare.domain.filters import AuditFilter, ScheduleFilter
from fanfare.domain.recurrence import Recurrence, Repeat
from fanfare.domain.schedule import Missed, Schedule, ScheduleStatus, cancelled, paused, without_name
from tests.contract.stores.racing import race
from tests.contract.stores.real import Stores, real_stores
from tests.factories import NOW, a_notification, a_recipient, a_tenant, a_token

ACTOR = Actor(ActorKind.CLIENT, "client-1")
CREATED, UPDATED = trail("schedule.created", ACTOR, NOW), trail("schedule.updated", ACTOR, NOW)
FIRED = AuditEntry("schedule.fired", Actor(ActorKind.FUNCTION, "schedule"), NOW, ("s1",))
NINE = datetime.fromisoformat("2026-11-25 09:00:30")
DUE = datetime(2026, 11, 25, 8, tzinfo=UTC)
DAY = timedelta(days=1)
# Names and values that Firestore itself would refuse in a map: reserved, empty, an array in an array, a number over 64 bits.
ODD: dict[str, Any] = {"to": {"everyone": True}, "title": "x", "android": {"__reserved__": 1, "": [[1, [2]]], "a.b`c": 2**70}}


def a_schedule(**fields: Any) -> Schedule:
    usual: dict[str, Any] = {
        "id": "s1",
        "tenant": "acme",
        "request": {"to": {"usernames": ["alice"]}, "title": "Good morning"},
        "rule": Recurrence(Repeat.DAILY, NINE),
        "zone": "Europe/Berlin",
        "created_at": NOW,
        "status": ScheduleStatus.ACTIVE,
        "next_local": NINE,
        "next_run_at": DUE,
        "created_by": "client-1",
        "updated_at": NOW,
    }
    return Schedule(**usual | fields)


def _create(stores: Stores, **fields: Any) -> Schedule:
    stores.schedules.create(a_schedule(**fields), CREATED)
    return _read(stores, fields.get("tenant", "acme"), fields.get("id", "s1"))


def _read(stores: Stores, tenant: str = "acme", schedule_id: str = "s1") -> Schedule:
    found = stores.schedules.get(tenant, schedule_id)
    assert found is not None
    return found


def _fire(stores: Stores, before: Schedule, name: str = "n1", rows: Any = None) -> bool:
    after = replace(before, occurrence_count=before.occurrence_count + 1, last_notification_id=name, next_local=NINE + DAY, next_run_at=DUE + DAY)
    notification = a_notification(id=name, schedule_id=before.id)
    return stores.schedules.fire(before, after, notification, {0: [a_recipient()]} if rows is None else rows, FIRED)


def _listed(stores: Stores, limit: int = 10, after: str | None = None, **filters: Any) -> tuple[list[str], str | None]:
    page = stores.schedules.list("acme", ScheduleFilter(**filters), limit, after)
    return [schedule.id for schedule in page.items], page.next_after


def _actions(stores: Stores) -> list[str]:
    return sorted(row.entry.action for row in stores.audit.list("acme", AuditFilter(resource_id="s1"), 100, None).items)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"request": ODD},
        {"zone": None, "rule": Recurrence(Repeat.CRON, NINE, "0 9 * * 1-5"), "on_missed": Missed.SKIP, "grace_seconds": 0},
        {
            "status": ScheduleStatus.COMPLETED,
            "status_reason": "ended",
            "ends_at": DUE,
            "max_occurrences": 7,
            "occurrence_count": 6,
            "next_local": None,
            "next_run_at": None,
            "last_sent_at": NOW,
            "last_notification_id": "n1",
        },
    ],
)
def test_created_schedule_is_found_with_every_field(stores: Stores, tenant: str, fields: dict[str, Any]) -> None:
    assert _create(stores, **fields) == a_schedule(**fields)
    assert stores.schedules.list(tenant, ScheduleFilter(), 10, None).items == [a_schedule(**fields)]
    assert _actions(stores) == ["schedule.created"]


@pytest.mark.parametrize("schedule_id", ["s1", "no/such", "..", "", "__x__"])
def test_unknown_schedule_is_not_found(stores: Stores, tenant: str, other_tenant: str, schedule_id: str) -> None:
    _create(stores, tenant=other_tenant)
    assert stores.schedules.get(tenant, schedule_id) is None
    assert stores.schedules.update(tenant, schedule_id, lambda before: before, UPDATED) is None
    assert _listed(stores) == ([], None)


def test_id_is_taken_once(stores: Stores, tenant: str) -> None:
    first = _create(stores)
    with pytest.raises(Conflict):
        _create(stores, zone=None)
    assert _read(stores, tenant) == first


def test_change_is_stored_with_its_entry_and_none_stores_nothing(stores: Stores, tenant: str) -> None:
    first = _create(stores)
    assert stores.schedules.update(tenant, "s1", lambda _: None, UPDATED) == first
    assert stores.schedules.update(tenant, "s1", paused, UPDATED) == paused(first)
    assert _read(stores) == paused(first)
    assert _actions(stores) == ["schedule.created", "schedule.updated"]
    stores.schedules.update(tenant, "s1", cancelled)
    assert _read(stores).status is ScheduleStatus.CANCELLED
    assert _actions(stores) == ["schedule.created", "schedule.updated"]


def test_schedules_are_listed_by_status_and_time_the_newest_first(stores: Stores, tenant: str) -> None:
    _create(stores)
    _create(stores, id="s2", created_at=NOW + DAY, status=ScheduleStatus.PAUSED)
    _create(stores, id="s3", created_at=NOW + 2 * DAY)
    first, after = _listed(stores, limit=2)
    assert (first, _listed(stores, after=after)) == (["s3", "s2"], (["s1"], None))
    assert _listed(stores, status=ScheduleStatus.ACTIVE) == (["s3", "s1"], None)
    assert _listed(stores, created_after=NOW + DAY) == (["s3", "s2"], None)
    assert _listed(stores, created_before=NOW + DAY, status=ScheduleStatus.PAUSED) == (["s2"], None)
    assert tenant == "acme"


def test_due_schedules_of_all_tenants_are_found_the_longest_overdue_first(stores: Stores, tenant: str, other_tenant: str) -> None:
    _create(stores, next_run_at=DUE)
    _create(stores, tenant=other_tenant, next_run_at=DUE - DAY)
    _create(stores, id="s2", next_run_at=DUE + timedelta(seconds=1))
    _create(stores, id="s3", next_run_at=None)
    assert list(stores.schedules.find_due(DUE, 10)) == [(other_tenant, "s1"), (tenant, "s1")]
    assert list(stores.schedules.find_due(DUE, 1)) == [(other_tenant, "s1")]
    assert list(stores.schedules.find_due(DUE - 2 * DAY, 10)) == []


def test_schedules_that_are_addressed_to_a_username_are_found_until_it_is_forgotten(stores: Stores, tenant: str, other_tenant: str) -> None:
    _create(stores)
    _create(stores, id="s2", request={"to": {"usernames": ["bob"]}})
    _create(stores, tenant=other_tenant)
    assert list(stores.schedules.find_addressed(tenant, "alice", 10)) == ["s1"]
    stores.schedules.update(tenant, "s1", lambda before: without_name(before, "alice"), UPDATED)
    assert list(stores.schedules.find_addressed(tenant, "alice", 10)) == []
    assert list(stores.schedules.find_addressed(other_tenant, "alice", 10)) == ["s1"]


# Firing


def test_occurrence_is_a_notification_with_its_rows_in_the_commit_that_moves_its_schedule_on(stores: Stores, tenant: str) -> None:
    assert _fire(stores, _create(stores))
    after = _read(stores)
    assert (after.occurrence_count, after.last_notification_id, after.next_local, after.next_run_at) == (1, "n1", NINE + DAY, DUE + DAY)
    notification = stores.notifications.get(tenant, "n1")
    assert notification is not None
    assert notification.schedule_id == "s1"
    assert list(stores.chunks.read_recipients(ChunkKey(tenant, "n1", 0))) == [a_recipient()]
    assert list(stores.schedules.find_due(DUE, 10)) == []
    assert _actions(stores) == ["schedule.created", "schedule.fired"]


def test_rows_of_several_chunks_are_stored_each_by_its_number(stores: Stores, tenant: str) -> None:
    rows = {number: [a_recipient(device_id=f"device-{number}", target=a_token(str(number)))] for number in (0, 1, 40)}
    assert _fire(stores, _create(stores), rows=rows)
    assert {number: list(stores.chunks.read_recipients(ChunkKey(tenant, "n1", number))) for number in rows} == rows


def test_missed_occurrence_moves_the_schedule_on_alone(stores: Stores, tenant: str) -> None:
    before = _create(stores)
    assert stores.schedules.fire(before, replace(before, status_reason="missed", next_run_at=DUE + DAY), None, {}, FIRED)
    assert _read(stores).status_reason == "missed"
    assert stores.notifications.get(tenant, "n1") is None


def test_schedule_that_changed_since_it_was_read_is_not_fired(stores: Stores, tenant: str) -> None:
    before = _create(stores)
    stores.schedules.update(tenant, "s1", paused, UPDATED)
    assert not _fire(stores, before)
    assert _read(stores) == paused(before)
    assert stores.notifications.get(tenant, "n1") is None
    assert _actions(stores) == ["schedule.created", "schedule.updated"]


def test_occurrence_that_is_a_notification_already_is_not_made_again(stores: Stores, tenant: str) -> None:
    stores.notifications.accept(a_notification(id="n1", schedule_id="s1"), [])
    before = _create(stores)
    assert not _fire(stores, before)
    assert _read(stores) == before
    assert _read(stores).revision == before.revision
    assert list(stores.chunks.read_recipients(ChunkKey(tenant, "n1", 0))) == []


def test_of_ticks_at_once_one_fires(stores: Stores, tenant: str) -> None:
    before = _create(stores)
    assert sorted(race([partial(_fire, stores, before)] * 4)) == [False, False, False, True]
    assert _read(stores, tenant).occurrence_count == 1
    assert _actions(stores) == ["schedule.created", "schedule.fired"]


def test_schedule_that_is_put_off_is_found_later_unless_somebody_has_changed_it(stores: Stores, tenant: str) -> None:
    before = _create(stores)
    stores.schedules.put_off(before, DUE + DAY)
    assert _read(stores) == replace(before, next_run_at=DUE + DAY)
    stores.schedules.put_off(before, DUE)
    assert list(stores.schedules.find_due(DUE, 10)) == []
    assert list(stores.schedules.find_due(DUE + DAY, 10)) == [(tenant, "s1")]


# A hand in the console


def _document(firestore: Firestore) -> Any:
    return firestore.collection("tenants").document("acme").collection("schedules").document("s1")


@pytest.fixture
def edited(firestore: Firestore) -> Stores:
    stores = real_stores(firestore)
    stores.tenants.create(a_tenant(id="acme"))
    _create(stores)
    return stores


def test_document_is_plain_to_an_operator(edited: Stores, firestore: Firestore) -> None:
    fields = _document(firestore).get().to_dict()
    names = ("date", "local_time", "timezone", "repeat", "cron", "status", "next_local")
    assert [fields[name] for name in names] == ["2026-11-25", "09:00:30", "Europe/Berlin", "daily", None, "active", "2026-11-25T09:00:30"]
    assert json.loads(fields["request"]) == _read(edited).request


def test_edit_by_hand_is_what_is_meant(edited: Stores, firestore: Firestore) -> None:
    _document(firestore).update({"local_time": "10:15", "timezone": "recipient", "repeat": "cron", "cron": "0 9 * * *"})
    found = _read(edited)
    assert (found.rule, found.zone, found.defect) == (Recurrence(Repeat.CRON, NINE.replace(hour=10, minute=15, second=0), "0 9 * * *"), None, None)


@pytest.mark.parametrize(
    ("edit", "path"), [({"repeat": "yearly"}, "repeat"), ({"request": "{"}, "request"), ({"grace_seconds": NOW}, "grace_seconds")]
)
def test_broken_edit_is_told_in_the_document_until_it_is_mended(edited: Stores, firestore: Firestore, edit: dict[str, Any], path: str) -> None:
    before = _document(firestore).get().to_dict()
    _document(firestore).update(edit)
    found = _read(edited)
    assert found.defect is not None
    assert found.defect.startswith(f"{path}: ")
    assert _document(firestore).get().get("defect") == found.defect
    assert list(edited.schedules.find_due(DUE, 10)) == [("acme", "s1")]
    edited.schedules.put_off(_read(edited), DUE + DAY)
    assert list(edited.schedules.find_due(DUE, 10)) == []
    _document(firestore).update({name: before[name] for name in edit})
    assert _read(edited).defect is None
    assert _document(firestore).get().get("defect") is None


def test_cancelling_a_broken_schedule_leaves_what_a_hand_has_written(edited: Stores, firestore: Firestore) -> None:
    _document(firestore).update({"repeat": "yearly"})
    edited.schedules.update("acme", "s1", cancelled, UPDATED)
    fields = _document(firestore).get().to_dict()
    assert (fields["status"], fields["repeat"], fields["local_time"], fields["next_run_at"]) == ("cancelled", "yearly", "09:00:30", None)


def test_replacing_a_broken_schedule_mends_all_of_it(edited: Stores, firestore: Firestore) -> None:
    _document(firestore).set({"next_run_at": DUE, "repeat": []})
    edited.schedules.update("acme", "s1", lambda _: a_schedule(), UPDATED)
    assert _read(edited) == a_schedule()


def test_document_without_anything_is_listed_as_broken(edited: Stores, firestore: Firestore) -> None:
    _document(firestore).set({"created_at": NOW, "bucket": 0})
    (found,) = edited.schedules.list("acme", ScheduleFilter(), 10, None).items
    assert found.defect is not None
    assert edited.schedules.list("acme", ScheduleFilter(), 10, None).next_after is None


def test_broken_schedule_that_names_an_erased_person_keeps_nothing_of_them(edited: Stores, firestore: Firestore) -> None:
    _document(firestore).update({"request": '{"to": {"usernames": ["alice"]'})
    assert edited.schedules.find_addressed("acme", "alice", 10) == ["s1"]
    edited.schedules.update("acme", "s1", lambda before: without_name(before, "alice"), UPDATED)
    assert edited.schedules.find_addressed("acme", "alice", 10) == []
    assert "alice" not in str(_document(firestore).get().to_dict())
    assert _read(edited).status is ScheduleStatus.CANCELLED
