"""What the fields of a client may hold, and who may give them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfare.domain.callers import MOST_RANGES
from fanfare.domain.client import TENANT_SCOPES, Client, Scope
from fanfare.domain.client_reading import read_client
from fanfare.domain.client_rules import changed_client, check_grant, check_not_locked_out, read_scopes
from fanfare.domain.errors import Conflict, Forbidden, InvalidRequest
from fanfare.domain.limits import LARGEST_LIMIT
from fanfare.domain.tenant import PLATFORM_TENANT
from tests.factories import NOW, a_client

DAY = timedelta(days=1)


def test_what_is_given_changes_and_the_rest_stays() -> None:
    given_ = {"name": "New", "scopes": ["send", "read"], "ip_allowlist": ["203.0.113.7/24"], "limits": {"send": 5}, "expires_at": NOW + DAY}
    changed = changed_client(a_client(), given_, NOW)
    assert changed == a_client(
        name="New", scopes=frozenset({Scope.SEND, Scope.READ}), ip_allowlist=("203.0.113.0/24",), limits={"send": 5}, expires_at=NOW + DAY
    )
    assert changed_client(changed, {}, NOW) == changed


def test_null_takes_a_field_back() -> None:
    full = a_client(ip_allowlist=("203.0.113.0/24",), limits={"send": 5}, expires_at=NOW + DAY, auto_rotate_days=1)
    nothing = dict.fromkeys(("ip_allowlist", "limits", "expires_at", "auto_rotate_days"))
    assert changed_client(full, nothing, NOW) == a_client()


def test_automatic_rotation_sets_the_end() -> None:
    changed = changed_client(a_client(), {"auto_rotate_days": 30}, NOW)
    assert (changed.auto_rotate_days, changed.expires_at) == (30, NOW + 30 * DAY)
    assert changed_client(changed, {"name": "New"}, NOW + DAY).expires_at == NOW + 30 * DAY
    assert changed_client(changed, {"auto_rotate_days": None, "expires_at": NOW + DAY}, NOW).expires_at == NOW + DAY


@pytest.mark.parametrize(
    ("given_", "field"),
    [
        ({"scopes": []}, "scopes"),
        ({"scopes": "send"}, "scopes"),
        ({"scopes": None}, "scopes"),
        ({"scopes": ["send", "everything"]}, "scopes.1"),
        ({"scopes": [7]}, "scopes.0"),
        ({"ip_allowlist": ["203.0.113.0/24", "somewhere"]}, "ip_allowlist.1"),
        ({"ip_allowlist": [5]}, "ip_allowlist.0"),
        ({"ip_allowlist": "203.0.113.0/24"}, "ip_allowlist"),
        ({"ip_allowlist": ["::1"] * (MOST_RANGES + 1)}, "ip_allowlist"),
        ({"limits": [1]}, "limits"),
        ({"limits": {"everything": 1}}, "limits.everything"),
        ({"limits": {"send": -1}}, "limits.send"),
        ({"limits": {"send": LARGEST_LIMIT + 1}}, "limits.send"),
        ({"limits": {"send": True}}, "limits.send"),
        ({"limits": {"send": "5"}}, "limits.send"),
        ({"expires_at": NOW}, "expires_at"),
        ({"expires_at": NOW + 4_000 * DAY}, "expires_at"),
        ({"expires_at": NOW + DAY, "auto_rotate_days": 5}, "expires_at"),
        ({"auto_rotate_days": 0}, "auto_rotate_days"),
        ({"auto_rotate_days": 366}, "auto_rotate_days"),
    ],
)
def test_wrong_field_is_named(given_: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        changed_client(a_client(), given_, NOW)
    assert [error.field for error in refused.value.errors] == [field]


def test_end_of_a_client_that_is_rotated_automatically_is_not_set_by_hand() -> None:
    with pytest.raises(InvalidRequest):
        changed_client(a_client(auto_rotate_days=5), {"expires_at": NOW + DAY}, NOW)


# Who may give what


def _giver(*scopes: Scope) -> Client:
    return a_client(scopes=frozenset(scopes))


def test_admin_gives_every_scope_of_a_tenant() -> None:
    check_grant(TENANT_SCOPES, "acme", _giver(Scope.ADMIN))
    check_grant(TENANT_SCOPES, "acme", _giver(Scope.PLATFORM))


def test_platform_goes_only_from_the_platform_to_the_platform() -> None:
    check_grant({Scope.PLATFORM}, PLATFORM_TENANT, _giver(Scope.PLATFORM))
    with pytest.raises(Forbidden):
        check_grant({Scope.PLATFORM}, PLATFORM_TENANT, _giver(Scope.ADMIN))
    with pytest.raises(InvalidRequest):
        check_grant({Scope.PLATFORM}, "acme", _giver(Scope.PLATFORM))


def test_nobody_takes_their_own_right_to_administer() -> None:
    before, after = _giver(Scope.ADMIN, Scope.SEND), _giver(Scope.SEND)
    with pytest.raises(Conflict):
        check_not_locked_out(before, after, "client-1", None)
    check_not_locked_out(before, after, "client-2", None)
    check_not_locked_out(before, _giver(Scope.ADMIN), "client-1", None)
    with pytest.raises(Conflict):
        check_not_locked_out(_giver(Scope.PLATFORM, Scope.ADMIN), _giver(Scope.ADMIN), "client-1", None)


def test_nobody_leaves_their_own_client_without_a_request() -> None:
    check_not_locked_out(a_client(), a_client(limits={"send": 0}), "client-1", None)
    check_not_locked_out(a_client(), a_client(limits={"other": 0}), "client-2", None)
    with pytest.raises(InvalidRequest) as refused:
        check_not_locked_out(a_client(), a_client(limits={"other": 0}), "client-1", None)
    assert [error.field for error in refused.value.errors] == ["limits.other"]


def test_nobody_shuts_out_the_address_that_they_call_from() -> None:
    before, after = a_client(), a_client(ip_allowlist=("203.0.113.0/24",))
    check_not_locked_out(before, after, "client-1", "203.0.113.7")
    check_not_locked_out(after, before, "client-1", "198.51.100.1")
    check_not_locked_out(after, after, "client-1", "198.51.100.1")
    check_not_locked_out(before, after, "client-2", "198.51.100.1")
    for address in ("198.51.100.1", None):
        with pytest.raises(InvalidRequest) as refused:
            check_not_locked_out(before, after, "client-1", address)
        assert [error.field for error in refused.value.errors] == ["ip_allowlist"]


# Documents that a hand has edited

STORED: dict[str, Any] = {
    "tenant": "acme",
    "name": "Back office",
    "token_hash": "hash",
    "scopes": ["send", "admin"],
    "created_at": NOW,
    "expires_at": NOW + DAY,
    "revoked_at": None,
    "limits": {"send": 5},
    "ip_allowlist": ["203.0.113.0/24"],
    "previous_token_hash": "old",
    "previous_valid_until": NOW,
    "auto_rotate_days": 30,
    "last_used_at": NOW,
    "rotation_id": "rotation-1",
}
WHOLE = Client(
    id="client-1",
    tenant="acme",
    name="Back office",
    token_hash="hash",
    scopes=frozenset({Scope.SEND, Scope.ADMIN}),
    created_at=NOW,
    expires_at=NOW + DAY,
    limits={"send": 5},
    ip_allowlist=("203.0.113.0/24",),
    previous_token_hash="old",
    previous_valid_until=NOW,
    auto_rotate_days=30,
    last_used_at=NOW,
    rotation_id="rotation-1",
)


def test_document_is_read_with_every_field() -> None:
    assert read_client("client-1", STORED) == WHOLE


def test_scope_that_a_newer_version_knows_is_left_out() -> None:
    found = read_client("client-1", STORED | {"scopes": ["send", "teleport"]})
    assert found is not None
    assert (found.scopes, found.defect) == (frozenset({Scope.SEND}), None)


@pytest.mark.parametrize("broken", [{"tenant": None}, {"tenant": "a/b"}, {"tenant": 5}, {"token_hash": None}])
def test_client_without_a_tenant_or_a_token_is_none(broken: dict[str, Any]) -> None:
    assert read_client("client-1", STORED | broken) is None


@pytest.mark.parametrize(
    "broken",
    [
        {"scopes": "admin"},
        {"scopes": None},
        {"scopes": []},
        {"scopes": [5]},
        {"scopes": ["teleport"]},
        {"ip_allowlist": ["home"]},
        {"ip_allowlist": "203.0.113.0/24"},
        {"expires_at": "tomorrow"},
        {"revoked_at": True},
        {"previous_valid_until": 5},
    ],
)
def test_client_whose_rights_can_not_be_read_has_none(broken: dict[str, Any]) -> None:
    found = read_client("client-1", STORED | broken)
    assert found is not None
    assert found.scopes == frozenset()
    assert found.defect is not None
    assert next(iter(broken)) in found.defect


def test_limits_that_can_not_be_read_are_everybodys_and_the_client_goes_on() -> None:
    found = read_client("client-1", STORED | {"limits": {"send": "lots"}})
    assert found is not None
    assert (found.limits, found.scopes) == ({}, WHOLE.scopes)
    assert found.defect == "limits.send: must be a whole number from 0 to 1000000"


def test_other_fields_that_can_not_be_read_are_left_out() -> None:
    broken = {"name": 5, "created_at": "x", "last_used_at": "x", "auto_rotate_days": True, "previous_token_hash": 5, "rotation_id": 5}
    found = read_client("client-1", STORED | broken)
    assert found is not None
    assert (found.name, found.last_used_at, found.auto_rotate_days, found.previous_token_hash, found.rotation_id) == (
        "client-1",
        None,
        None,
        None,
        None,
    )
    assert found.scopes == WHOLE.scopes


@given(
    st.dictionaries(
        st.sampled_from(sorted(STORED)), st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text()) | st.just({"send": 1})
    )
)
def test_every_document_is_read(broken: dict[str, Any]) -> None:
    found = read_client("client-1", STORED | broken)
    assert found is None or found.scopes <= frozenset(Scope)


def test_scopes_are_read_from_any_collection_but_text() -> None:
    assert read_scopes(frozenset({"send"})) == {Scope.SEND}
    with pytest.raises(InvalidRequest):
        read_scopes({"send": True})
