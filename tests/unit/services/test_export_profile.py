"""Everything held about a person, page by page."""

from __future__ import annotations

import pytest

from fanfare.domain.chunk import ChunkKey
from fanfare.domain.errors import InvalidRequest, NotFound
from fanfare.domain.filters import AuditFilter
from fanfare.domain.recipient import Recipient
from fanfare.domain.target import Target
from fanfare.ports import Deps
from fanfare.services.change_profile import delete_profile, erase_profile, update_profile
from fanfare.services.export_profile import MOST_NOTIFICATIONS, Export, export_profile
from tests.factories import TENANT_ID, a_call, a_notification, a_recipient
from tests.fakes import fake_deps
from tests.unit.services.seeding import add_devices, add_profile, device_of

PHONE = a_recipient(device_id="phone", username="alice")
STRANGER = a_recipient(device_id="stranger", username="bob")
ERASED = a_recipient(device_id="gone", username="alice")


@pytest.fixture
def deps() -> Deps:
    """Alice with two devices, one of which she shares with Bob."""
    deps = fake_deps()
    alice, bob = add_profile(deps, "alice", username="alice"), add_profile(deps, "bob", username="bob")
    add_devices(deps, device_of(alice, id="phone"), device_of(alice, bob, id="shared"), device_of(bob, id="stranger"))
    return deps


def _notify(deps: Deps, notification_id: str, *rows: Recipient, **fields: object) -> None:
    assert deps.notifications.accept(a_notification(id=notification_id, **fields), rows or (PHONE,)) is None


def _pages(deps: Deps, limit: int = 50) -> list[Export]:
    pages = [export_profile(deps, a_call(), "alice", limit, None)]
    while pages[-1].next_cursor is not None:
        pages.append(export_profile(deps, a_call(), "alice", limit, pages[-1].next_cursor))
    return pages


def _notifications(deps: Deps) -> dict[str, list[str]]:
    found = [addressed for page in _pages(deps) for addressed in page.notifications]
    return {addressed.notification.id: [device_id for device_id, *_ in addressed.deliveries] for addressed in found}


def test_devices_come_first_shared_and_deleted_ones_too_and_nobody_elses(deps: Deps) -> None:
    delete_profile(deps, a_call(), "alice")
    page = export_profile(deps, a_call(), "alice", 50, None)
    assert [device.id for device in page.devices] == ["phone", "shared"]
    assert page.profile.deleted_at is not None
    assert (page.notifications, page.audit) == ((), ())


def test_notifications_that_named_the_person_show_what_became_of_them_on_its_devices(deps: Deps) -> None:
    _notify(deps, "by-name", PHONE, STRANGER, ERASED, usernames=("alice", "bob"))
    _notify(deps, "by-id", a_recipient(device_id="shared", username="bob"), profile_ids=("alice",))
    _notify(deps, "to-bob", STRANGER, usernames=("bob",))
    assert _notifications(deps) == {"by-name": ["phone", "gone"], "by-id": ["shared"]}


def test_person_without_a_username_is_exported(deps: Deps) -> None:
    update_profile(deps, a_call(), "alice", {"username": None, "external_id": "crm"})
    _notify(deps, "anonymous", Recipient("x", Target(PHONE.target.kind, "abc"), None), usernames=())
    _notify(deps, "by-id", Recipient("x", PHONE.target, None), PHONE, profile_ids=("alice",))
    assert _notifications(deps) == {"by-id": ["phone"]}


def test_audit_log_about_the_person_comes_last_with_the_export_itself(deps: Deps) -> None:
    update_profile(deps, a_call(), "alice", {"locale": "de"})
    update_profile(deps, a_call(), "bob", {"locale": "de"})
    entries = [stored.entry.action for stored in _pages(deps)[-1].audit]
    assert sorted(entries) == ["profile.exported", "profile.updated"]


@pytest.mark.parametrize("limit", [1, 2, 200])
def test_pages_hold_everything_once(deps: Deps, limit: int) -> None:
    for number in range(MOST_NOTIFICATIONS + 1):
        _notify(deps, f"n{number:02}", usernames=("alice",))
    pages = _pages(deps, limit)
    assert [device.id for page in pages for device in page.devices] == ["phone", "shared"]
    assert len({addressed.notification.id for page in pages for addressed in page.notifications}) == MOST_NOTIFICATIONS + 1
    assert max(len(page.notifications) for page in pages) <= min(limit, MOST_NOTIFICATIONS)
    assert all(page.devices or page.notifications or page.audit for page in pages)


def test_one_export_is_one_entry_of_the_audit_log(deps: Deps) -> None:
    _pages(deps, 1)
    entries = deps.audit.list(TENANT_ID, AuditFilter(action="profile.exported"), 10, None).items
    assert [stored.entry.resource_ids for stored in entries] == [("alice",)]


def test_cursor_belongs_to_its_person(deps: Deps) -> None:
    cursor = export_profile(deps, a_call(), "alice", 1, None).next_cursor
    with pytest.raises(InvalidRequest):
        export_profile(deps, a_call(), "bob", 1, cursor)


def test_unknown_erased_and_another_tenants_profile_is_not_found(deps: Deps) -> None:
    erase_profile(deps, a_call(), "bob")
    for tenant, wanted in ((TENANT_ID, "nobody"), (TENANT_ID, "bob"), ("globex", "alice")):
        with pytest.raises(NotFound):
            export_profile(deps, a_call(tenant=tenant), wanted, 50, None)


def test_export_shows_outcomes_as_they_are(deps: Deps) -> None:
    _notify(deps, "by-name", PHONE, usernames=("alice",))
    (addressed,) = [addressed for page in _pages(deps) for addressed in page.notifications]
    assert deps.chunks.read_recipients(ChunkKey(TENANT_ID, "by-name", 0)) == (PHONE,)
    assert [result.outcome.value for _, result, _ in addressed.deliveries] == ["unsent"]
