"""Equal values of one tenant have equal hashes under one key, and nothing else has."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fanfare.adapters.blind_index import HASH_BYTES, BlindIndex, is_under
from fanfare.domain.address import Address, AddressKind
from fanfare.domain.identifiers import decode_base64url
from fanfare.domain.message import TargetKind
from tests.factories import a_token
from tests.unit.adapters.keys import IndexKeysInUse, deployment_keys

ALICE = Address(AddressKind.USERNAME, "alice")


def _index(latest: str = "1", *keys: str) -> BlindIndex:
    return BlindIndex(deployment_keys(latest), IndexKeysInUse(*keys))


ACME, GLOBEX = _index().for_lookup("acme"), _index().for_lookup("globex")


def test_equal_values_have_equal_hashes_in_every_instance() -> None:
    other = _index().for_lookup("acme")
    assert ACME.of_target(a_token("1")) == other.of_target(a_token("1"))
    assert ACME.of_address(ALICE) == other.of_address(ALICE)
    assert ACME.of_install("profile-1", "phone") == other.of_install("profile-1", "phone")


def test_a_token_and_a_fid_of_one_value_are_one_target() -> None:
    assert len({ACME.of_target(a_token(value="abc", kind=kind)) for kind in (TargetKind.TOKEN, TargetKind.FID)}) == 1


def test_tenants_kinds_and_values_are_kept_apart() -> None:
    values = [
        ACME.of_target(a_token(value="alice")),
        GLOBEX.of_target(a_token(value="alice")),
        ACME.of_target(a_token(value="bob")),
        *(ACME.of_address(Address(kind, "alice")) for kind in AddressKind),
        ACME.of_install("alice", ""),
        ACME.of_install("ali", "ce"),
    ]
    assert len(set(values)) == len(values)


@given(st.tuples(st.text(), st.text()), st.tuples(st.text(), st.text()))
def test_hashes_of_installs_are_equal_only_for_equal_installs(one: tuple[str, str], other: tuple[str, str]) -> None:
    # A profile's id has no slash.
    first, second = (("".join(profile.split("/")), device) for profile, device in (one, other))
    hashes = [ACME.of_install(*install) for install in (first, second)]
    assert (hashes[0] == hashes[1]) is (first == second)


def test_a_hash_names_its_key_and_differs_between_versions_of_the_secret_and_generations_of_the_key() -> None:
    hashes = [_index("1", key).for_lookup("acme").of_target(a_token()) for key in ("1-0", "1-1", "2-1")]
    assert [held.partition(".")[0] for held in hashes] == ["1-0", "1-1", "2-1"]
    assert len({held.partition(".")[2] for held in hashes}) == 3
    assert {len(decode_base64url(held.partition(".")[2])) for held in hashes} == {HASH_BYTES}


def test_a_newer_version_of_the_secret_changes_nothing_by_itself() -> None:
    assert _index("2").for_lookup("acme").of_address(ALICE) == ACME.of_address(ALICE)


def test_while_two_keys_are_in_use_lookups_go_by_the_first_and_writes_under_both() -> None:
    index = _index("2", "2-1", "1-0")
    assert index.for_lookup("acme").key_id == "2-1"
    assert [each.of_address(ALICE) for each in index.for_writing("acme")] == [each.of_address(ALICE) for each in index.under("acme", ("2-1", "1-0"))]
    assert index.for_writing("acme")[1].of_address(ALICE) == ACME.of_address(ALICE)


def test_a_hash_is_under_the_keys_that_made_it() -> None:
    old, new = _index().under("acme", ("1-0", "1-1"))
    held = old.of_address(ALICE)
    assert [is_under(held, keys) for keys in ([old], [new], [new, old], [])] == [True, False, True, False]


def test_a_hash_does_not_hold_its_value() -> None:
    assert "alice" not in ACME.of_address(ALICE)
