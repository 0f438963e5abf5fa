"""Equal values of one tenant have equal hashes, and nothing else has."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fanfare.adapters.blind_index import HASH_BYTES, BlindIndex
from fanfare.domain.address import Address, AddressKind
from fanfare.domain.identifiers import decode_base64url
from fanfare.domain.message import TargetKind
from tests.factories import a_token
from tests.unit.adapters.keys import deployment_keys

INDEX = BlindIndex(deployment_keys())


def test_equal_values_have_equal_hashes_in_every_instance() -> None:
    other = BlindIndex(deployment_keys())
    assert INDEX.hash_target("acme", a_token("1")) == other.hash_target("acme", a_token("1"))
    username = Address(AddressKind.USERNAME, "alice")
    assert INDEX.hash_address("acme", username) == other.hash_address("acme", username)
    assert INDEX.hash_install("acme", "profile-1", "phone") == other.hash_install("acme", "profile-1", "phone")


def test_a_token_and_a_fid_of_one_value_are_one_target() -> None:
    hashes = {INDEX.hash_target("acme", a_token(value="abc", kind=kind)) for kind in (TargetKind.TOKEN, TargetKind.FID)}
    assert len(hashes) == 1


def test_tenants_kinds_and_values_are_kept_apart() -> None:
    values = [
        INDEX.hash_target("acme", a_token(value="alice")),
        INDEX.hash_target("globex", a_token(value="alice")),
        INDEX.hash_target("acme", a_token(value="bob")),
        *(INDEX.hash_address("acme", Address(kind, "alice")) for kind in AddressKind),
        INDEX.hash_install("acme", "alice", ""),
        INDEX.hash_install("acme", "ali", "ce"),
    ]
    assert len(set(values)) == len(values)


@given(st.tuples(st.text(), st.text()), st.tuples(st.text(), st.text()))
def test_hashes_of_installs_are_equal_only_for_equal_installs(one: tuple[str, str], other: tuple[str, str]) -> None:
    # A profile's id has no slash.
    first, second = (("".join(profile.split("/")), device) for profile, device in (one, other))
    hashes = [INDEX.hash_install("acme", *install) for install in (first, second)]
    assert (hashes[0] == hashes[1]) is (first == second)


def test_a_hash_names_the_version_of_its_key() -> None:
    old, new = (BlindIndex(deployment_keys(version)).hash_target("acme", a_token()) for version in ("3", "4"))
    assert (old.partition(".")[0], new.partition(".")[0]) == ("3", "4")
    assert old.partition(".")[2] != new.partition(".")[2]
    assert len(decode_base64url(old.partition(".")[2])) == HASH_BYTES


def test_a_hash_does_not_hold_its_value() -> None:
    assert "alice" not in INDEX.hash_address("acme", Address(AddressKind.USERNAME, "alice"))
