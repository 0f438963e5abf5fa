"""Changes of a profile, and the steps by which its devices come to know them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfare.domain.address import Address, AddressKind
from fanfare.domain.errors import Conflict, InvalidRequest
from fanfare.domain.profile import Profile, ProfileState, Spread, Stage, addresses_of, held_names, names_of
from fanfare.domain.spreading import (
    SETTLE_AFTER,
    ProfileChanges,
    change_profile,
    delete_profile,
    end_check,
    erase_profile,
    restore_profile,
    take_step,
)
from tests.factories import NOW, a_profile

ALICE, BOB = Address(AddressKind.USERNAME, "alice"), Address(AddressKind.USERNAME, "bob")
PHONE = Address(AddressKind.PHONE, "+255712345678")
CHECK = NOW + SETTLE_AFTER
DELETED: dict[str, Any] = {"deleted_at": NOW - timedelta(days=1)}
ERASED: dict[str, Any] = {**DELETED, "erased_at": NOW - timedelta(hours=1)}


def _changed(profile: Profile, changes: ProfileChanges) -> Profile:
    changed = change_profile(profile, changes, NOW)
    assert changed is not None
    return changed


def _stepped(profile: Profile) -> Profile:
    stepped = take_step(profile)
    assert stepped is not None
    return stepped


def test_what_is_not_given_stays() -> None:
    alice = a_profile(username="alice", phone_number=PHONE.value, locale="de", tags=("a",))
    changed = _changed(alice, {"tags": ("b",), "locale": None})
    assert (changed.username, changed.phone_number, changed.tags, changed.locale) == ("alice", PHONE.value, ("b",), None)


@pytest.mark.parametrize("changes", [{}, {"username": "alice"}, {"locale": None, "tags": ()}])
def test_a_change_to_what_is_there_is_none(changes: ProfileChanges) -> None:
    assert change_profile(a_profile(username="alice"), changes, NOW) is None


def test_devices_need_not_hear_of_tags_locale_and_timezone() -> None:
    assert _changed(a_profile(), {"tags": ("b",), "locale": "sw", "timezone": "UTC"}).spread == Spread()


def test_a_former_name_is_held_and_addressed_until_devices_have_the_new_one_and_held_until_they_lost_it() -> None:
    alice = a_profile(id="p", username="alice")
    joining = _changed(alice, {"username": "bob"})
    replacing = _stepped(joining)
    settled = _stepped(replacing)
    me = Address(AddressKind.PROFILE, "p")
    assert [stage.spread.stage for stage in (joining, replacing, settled)] == [Stage.JOINING, Stage.REPLACING, Stage.SETTLED]
    assert [addresses_of(stage) for stage in (joining, replacing, settled)] == [(me, BOB, ALICE), (me, BOB), (me, BOB)]
    assert [held_names(stage) for stage in (joining, replacing, settled)] == [(BOB, ALICE), (BOB, ALICE), (BOB,)]
    assert [stage.spread.version for stage in (joining, replacing, settled)] == [1, 2, 2]
    assert {stage.spread.check_at for stage in (joining, replacing, settled)} == {CHECK}
    assert take_step(settled) is None


def test_a_name_more_needs_no_joining() -> None:
    changed = _changed(a_profile(username="alice"), {"phone_number": PHONE.value})
    assert changed.spread == Spread(1, Stage.REPLACING, (), CHECK)


def test_a_name_taken_away_is_held_until_no_device_has_it() -> None:
    changed = _changed(a_profile(username="alice", phone_number=PHONE.value), {"phone_number": None})
    assert changed.spread == Spread(1, Stage.JOINING, (PHONE,), CHECK)


def test_the_last_name_can_not_be_taken_away() -> None:
    with pytest.raises(InvalidRequest) as refused:
        change_profile(a_profile(username="alice"), {"username": None}, NOW)
    assert [error.field for error in refused.value.errors] == ["username"]


def test_a_name_that_comes_back_is_no_former_one() -> None:
    joining = _changed(a_profile(username="alice"), {"username": "bob"})
    back = _changed(joining, {"username": "alice"})
    assert (names_of(back), back.spread.former, back.spread.version) == ((ALICE,), (BOB,), 2)


@pytest.mark.parametrize("fields", [DELETED, ERASED])
def test_a_profile_that_is_deleted_can_not_be_changed(fields: dict[str, Any]) -> None:
    with pytest.raises(Conflict):
        change_profile(a_profile(**fields), {"locale": "de"}, NOW)


@pytest.mark.parametrize(
    ("change", "fields", "expected"),
    [
        (delete_profile, {}, ProfileState.DELETED),
        (delete_profile, DELETED, None),
        (delete_profile, ERASED, None),
        (restore_profile, {}, None),
        (restore_profile, DELETED, ProfileState.ACTIVE),
        (restore_profile, ERASED, None),
        (erase_profile, {}, ProfileState.ERASED),
        (erase_profile, DELETED, ProfileState.ERASED),
        (erase_profile, ERASED, None),
    ],
)
def test_states_and_what_leads_from_one_to_another(
    change: Callable[[Profile, datetime], Profile | None], fields: dict[str, Any], expected: ProfileState | None
) -> None:
    changed = change(a_profile(**fields), NOW)
    assert (changed and changed.state) == expected
    assert changed is None or changed.spread == Spread(1, Stage.REPLACING, (), CHECK)


def test_deleting_keeps_every_name_and_a_half_given_up_one() -> None:
    joining = _changed(a_profile(username="alice"), {"username": "bob"})
    deleted = delete_profile(joining, NOW)
    assert deleted is not None
    assert (held_names(deleted), deleted.deleted_at) == ((BOB, ALICE), NOW)


def test_erasing_leaves_the_deletion_where_it_was_and_the_name_until_all_traces_are_gone() -> None:
    erased = erase_profile(a_profile(username="alice", **DELETED), NOW)
    assert erased is not None
    assert (erased.deleted_at, erased.erased_at, erased.username) == (DELETED["deleted_at"], NOW, "alice")


def test_what_is_left_of_an_erased_profile_says_nothing_of_the_person() -> None:
    person = a_profile(username="alice", phone_number="+1", external_id="x", tags=("a",), locale="de", timezone="UTC", **ERASED)
    wiped = _stepped(Profile(**{**_fields(person), "spread": Spread(3, Stage.REPLACING, (BOB,), CHECK)}))
    expected = Profile(person.id, person.created_at, **ERASED, spread=Spread(3, Stage.SETTLED, (), CHECK), addresses=person.addresses)
    assert wiped == expected
    assert held_names(wiped) == ()


def test_check_ends_unless_the_profile_was_changed_since() -> None:
    settled = a_profile(spread=Spread(2, Stage.SETTLED, (), CHECK))
    ended = end_check(settled.spread, settled)
    assert ended is not None
    assert ended.spread == Spread(2)
    assert end_check(Spread(1, Stage.SETTLED, (), CHECK), settled) is None


_values = st.one_of(st.none(), st.sampled_from(("a", "b", "c")))
_changes = st.fixed_dictionaries({}, optional={"username": _values, "phone_number": _values, "external_id": _values})


@given(st.lists(st.one_of(_changes, st.just("step")), max_size=12))
def test_whatever_happens_a_name_is_given_up_only_in_the_last_step_and_versions_grow(history: list[Any]) -> None:
    profile = a_profile(username="first")
    for event in history:
        try:
            following = take_step(profile) if event == "step" else change_profile(profile, event, NOW)
        except InvalidRequest:
            following = None
        if following is None:
            continue
        lost = set(held_names(profile)) - set(held_names(following))
        assert not lost or following.spread.stage is Stage.SETTLED
        assert following.spread.version >= profile.spread.version
        assert addresses_of(following) == addresses_of(profile) or following.spread.version > profile.spread.version
        assert len(set(held_names(following))) == len(held_names(following))
        profile = following


def _fields(profile: Profile) -> dict[str, Any]:
    return {name: getattr(profile, name) for name in Profile.__slots__}
