"""Devices: their owners' ids, their place in the index, and what is shown of their target."""

from __future__ import annotations

import hashlib
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfare.domain.buckets import BUCKETS, bucket_of
from fanfare.domain.device import InactiveReason, target_hint
from tests.factories import NOW, a_device, a_token, an_owner


def test_device_belongs_to_its_owners_in_their_order() -> None:
    assert a_device(owners=(an_owner("p2"), an_owner("p1"))).profile_ids == ("p2", "p1")
    assert a_device(owners=()).profile_ids == ()


@given(st.text(max_size=30))
def test_bucket_is_a_stable_hash_of_the_id(device_id: str) -> None:
    assert bucket_of(device_id) == int(hashlib.sha256(device_id.encode()).hexdigest()[:2], 16) % 16


def test_devices_are_spread_over_all_buckets_evenly() -> None:
    filled = Counter(bucket_of(f"device-{number}") for number in range(1_600))
    assert sorted(filled) == list(range(BUCKETS))
    assert all(60 <= number <= 140 for number in filled.values())


@pytest.mark.parametrize(("value", "hint"), [("fMEP0vJqS0:APA91bHqX", "91bHqX"), ("123456", "123456"), ("abc", "abc")])
def test_hint_is_the_end_of_the_target(value: str, hint: str) -> None:
    assert target_hint(a_token(value=value)) == hint


def test_device_in_a_traceback_shows_no_target() -> None:
    assert "secret-part" not in repr(a_device(target=a_token(value="secret-part")))


def test_device_that_says_nothing_of_itself_is_active_and_unlabelled() -> None:
    device = a_device()
    assert (device.active, device.inactive_reason, device.retirement, device.revision) == (True, None, None, None)
    assert (device.tags, device.topics) == ((), ())
    for name in ("updated_at", "device_id", "app_version", "os_version", "model", "locale", "timezone"):
        assert getattr(device, name) is None


def test_reasons_of_inactivity_have_their_stored_names() -> None:
    of_target = ["idle", "invalid_target", "replaced", "sender_id_mismatch", "unregistered"]
    assert sorted(InactiveReason) == sorted([*of_target, "deactivated", "deleted", "profile_deleted"])


def test_devices_read_at_different_times_are_equal_if_they_say_the_same() -> None:
    assert a_device(revision=1) == a_device(revision=2)


@pytest.mark.parametrize("reason", [None, *InactiveReason])
def test_device_is_purgeable_for_a_reason_of_its_own_only(reason: InactiveReason | None) -> None:
    """Not while it waits for its profile, with which it is restored, and not twice."""
    device = a_device(active=reason is None, inactive_reason=reason, inactive_since=NOW if reason else None)
    is_purgeable = reason not in {None, InactiveReason.DELETED, InactiveReason.PROFILE_DELETED}
    assert device.purgeable_since == (NOW if is_purgeable else None)
    assert device.is_deleted is (reason is InactiveReason.DELETED)
