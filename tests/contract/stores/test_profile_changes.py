"""What every profile store does with changes: the locks of names move with their profile, and nobody's change is lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from fanfare.domain.address import Address, AddressKind
from fanfare.domain.audit import trail
from fanfare.domain.errors import Conflict
from fanfare.domain.filters import AuditFilter, ProfileFilter
from fanfare.domain.profile import Profile, Spread, Stage
from fanfare.domain.spreading import change_profile, delete_profile
from tests.contract.stores.racing import race
from tests.contract.stores.real import Stores
from tests.factories import NOW, a_call, a_profile

PHONE = "+255712345678"


def _name(value: str) -> Address:
    return Address(AddressKind.USERNAME, value)


def _add(stores: Stores, tenant: str, profile_id: str, **fields: object) -> Profile:
    stored, created = stores.profiles.create(tenant, a_profile(id=profile_id, addresses=(), **fields))
    assert created
    return stored


def _rename(username: str) -> Callable[[Profile], Profile | None]:
    """Take a name and give the former one up at once."""
    return lambda profile: replace(profile, username=username)


def test_changed_profile_is_found_by_its_new_name_with_every_field(stores: Stores, tenant: str) -> None:
    _add(stores, tenant, "p", username="alice")
    spread = Spread(7, Stage.JOINING, (_name("alice"), Address(AddressKind.PHONE, PHONE)), NOW + timedelta(minutes=2))

    def decide(profile: Profile) -> Profile:
        return replace(profile, username="alicia", external_id="crm", tags=("a",), locale="de", timezone="UTC", deleted_at=NOW, spread=spread)

    changed = stores.profiles.update(tenant, "p", decide)
    assert changed == stores.profiles.get(tenant, "p")
    assert changed is not None
    assert (changed.username, changed.external_id, changed.tags, changed.locale, changed.timezone) == ("alicia", "crm", ("a",), "de", "UTC")
    assert (changed.deleted_at, changed.erased_at, changed.spread) == (NOW, None, spread)
    assert set(stores.profiles.find(tenant, [_name("alice"), _name("alicia"), Address(AddressKind.PHONE, PHONE)]).values()) == {changed}


def test_decision_that_leaves_a_profile_stores_nothing(stores: Stores, tenant: str) -> None:
    stored = _add(stores, tenant, "p")
    found = stores.profiles.update(tenant, "p", lambda _: None, trail("profile.updated", a_call().actor, NOW))
    assert (found, found and found.revision) == (stored, stored.revision)
    assert stores.audit.list(tenant, AuditFilter(), 10, None).items == []


def test_unknown_profile_and_another_tenants_are_not_changed(stores: Stores, tenant: str, other_tenant: str) -> None:
    stored = _add(stores, tenant, "p")
    assert stores.profiles.update(tenant, "nobody", _rename("x")) is None
    assert stores.profiles.update(other_tenant, "p", _rename("x")) is None
    assert stores.profiles.get(tenant, "p") == stored


def test_name_that_was_given_up_is_free(stores: Stores, tenant: str) -> None:
    _add(stores, tenant, "p", username="alice")
    stores.profiles.update(tenant, "p", _rename("alicia"))
    assert stores.profiles.find(tenant, [_name("alice")]) == {}
    _add(stores, tenant, "q", username="alice")


def test_former_name_is_held_until_it_is_released(stores: Stores, tenant: str) -> None:
    _add(stores, tenant, "p", username="alice")
    stores.profiles.update(tenant, "p", lambda profile: change_profile(profile, {"username": "alicia"}, NOW))
    holder, created = stores.profiles.create(tenant, a_profile(id="q", username="alice"))
    assert (holder.id, created) == ("p", False)
    stores.profiles.update(tenant, "p", lambda profile: replace(profile, spread=Spread()))
    _add(stores, tenant, "q", username="alice")


def test_taken_name_is_a_conflict_and_stores_nothing(stores: Stores, tenant: str) -> None:
    _add(stores, tenant, "holder", username="bob", phone_number=PHONE)
    alice = _add(stores, tenant, "p", username="alice")
    with pytest.raises(Conflict):
        stores.profiles.update(tenant, "p", _rename("bob"), trail("profile.updated", a_call().actor, NOW))
    with pytest.raises(Conflict):
        stores.profiles.update(tenant, "p", lambda profile: replace(profile, username="free", phone_number=PHONE))
    assert stores.profiles.get(tenant, "p") == alice
    assert stores.audit.list(tenant, AuditFilter(), 10, None).items == []
    _add(stores, tenant, "next", username="free")


def test_entry_of_the_audit_log_is_stored_with_its_change(stores: Stores, tenant: str) -> None:
    _add(stores, tenant, "p", locale="de")
    stores.profiles.update(tenant, "p", lambda profile: replace(profile, locale="sw"), trail("profile.updated", a_call().actor, NOW))
    (stored,) = stores.audit.list(tenant, AuditFilter(), 10, None).items
    assert (stored.entry.action, stored.entry.resource_ids) == ("profile.updated", ("p",))
    assert (stored.entry.changes["locale"].before, stored.entry.changes["locale"].after) == ("de", "sw")


def test_of_simultaneous_renames_to_one_name_one_wins(stores: Stores, tenant: str) -> None:
    for number in range(6):
        _add(stores, tenant, f"p{number}")

    def rename(profile_id: str) -> bool:
        try:
            return stores.profiles.update(tenant, profile_id, _rename("alice")) is not None
        except Conflict:
            return False

    won = race([lambda number=number: rename(f"p{number}") for number in range(6)])  # type: ignore[misc]
    assert won.count(True) == 1
    assert stores.profiles.find(tenant, [_name("alice")])[_name("alice")].id == f"p{won.index(True)}"
    named = [profile.username for profile in stores.profiles.list(tenant, ProfileFilter(), 10, None).items]
    assert sorted(name or "" for name in named) == sorted(["alice", *(f"user-of-p{number}" for number in range(6) if not won[number])])


def test_a_creation_and_a_rename_to_one_name_have_one_winner(stores: Stores, tenant: str) -> None:
    _add(stores, tenant, "old", username="old")

    def rename() -> bool:
        try:
            return stores.profiles.update(tenant, "old", _rename("alice")) is not None
        except Conflict:
            return False

    won = race([rename, lambda: stores.profiles.create(tenant, a_profile(id="new", username="alice"))[1]])
    assert won.count(True) == 1
    assert stores.profiles.find(tenant, [_name("alice")])[_name("alice")].id == ("old" if won[0] else "new")


def test_simultaneous_changes_of_one_profile_are_all_kept(stores: Stores, tenant: str) -> None:
    _add(stores, tenant, "p", tags=())
    race([lambda tag=f"t{number}": stores.profiles.update(tenant, "p", lambda old: replace(old, tags=(*old.tags, tag))) for number in range(4)])  # type: ignore[misc]
    changed = stores.profiles.get(tenant, "p")
    assert changed is not None
    assert sorted(changed.tags) == ["t0", "t1", "t2", "t3"]


def test_profile_is_removed_as_it_was_read(stores: Stores, tenant: str) -> None:
    stored = _add(stores, tenant, "p", username=None)
    changed = stores.profiles.update(tenant, "p", lambda profile: replace(profile, locale="de"))
    assert not stores.profiles.remove(tenant, stored)
    assert changed is not None
    assert stores.profiles.remove(tenant, changed)
    assert stores.profiles.get(tenant, "p") is None
    assert not stores.profiles.remove(tenant, changed)


def test_profiles_to_be_looked_at_are_found_in_all_tenants_the_longest_overdue_first(stores: Stores, tenant: str, other_tenant: str) -> None:
    for owner, profile_id, minutes in ((tenant, "a", 1), (other_tenant, "b", 3), (tenant, "c", 2), (tenant, "later", -1)):
        _add(stores, owner, profile_id, spread=Spread(check_at=NOW - timedelta(minutes=minutes)))
    _add(stores, tenant, "never")
    assert list(stores.profiles.find_unsettled(NOW, 10)) == [(other_tenant, "b"), (tenant, "c"), (tenant, "a")]
    assert list(stores.profiles.find_unsettled(NOW, 1)) == [(other_tenant, "b")]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (ProfileFilter(), ["a", "b", "c"]),
        (ProfileFilter(deleted=True), ["x", "y"]),
        (ProfileFilter(tags=("vip",)), ["a", "c"]),
        (ProfileFilter(tags=("vip", "beta")), ["c"]),
        (ProfileFilter(tags=("beta", "nobody")), []),
        (ProfileFilter(tags=("vip",), deleted=True), ["x"]),
        (ProfileFilter(username="user-of-c", tags=("vip",)), ["c"]),
        (ProfileFilter(username="user-of-x"), []),
        (ProfileFilter(username="user-of-x", deleted=True), ["x"]),
    ],
)
def test_lists_are_narrowed_by_tags_and_hide_what_is_gone(stores: Stores, tenant: str, filters: ProfileFilter, expected: list[str]) -> None:
    tags = {"a": ("vip",), "b": ("beta",), "c": ("beta", "vip"), "x": ("vip",), "y": ()}
    for profile_id, labels in tags.items():
        _add(stores, tenant, profile_id, tags=labels, deleted_at=NOW if profile_id in "xy" else None)
    _add(stores, tenant, "gone", deleted_at=NOW, erased_at=NOW, tags=("vip",))
    assert [profile.id for profile in stores.profiles.list(tenant, filters, 10, None).items] == expected


def test_pages_of_several_tags_hold_everything_once(stores: Stores, tenant: str) -> None:
    for number in range(9):
        _add(stores, tenant, f"p{number}", tags=("vip", "beta") if number % 4 == 3 else ("vip",))
    page = stores.profiles.list(tenant, ProfileFilter(tags=("vip", "beta")), 2, None)
    found = [profile.id for profile in page.items]
    while page.next_after is not None:
        page = stores.profiles.list(tenant, ProfileFilter(tags=("vip", "beta")), 2, page.next_after)
        found += [profile.id for profile in page.items]
    assert found == ["p3", "p7"]


def test_deleted_profile_is_still_found_by_its_names(stores: Stores, tenant: str) -> None:
    _add(stores, tenant, "p", username="alice")
    deleted = stores.profiles.update(tenant, "p", lambda profile: delete_profile(profile, NOW))
    assert stores.profiles.find(tenant, [_name("alice")]) == {_name("alice"): deleted}
