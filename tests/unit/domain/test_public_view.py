from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfare.domain.notification import Counts, NotificationStatus
from fanfare.domain.outcome import Outcome, Result
from fanfare.domain.public_view import MOST_VIEWERS, PublicView, viewers_of, views_of
from tests.factories import NOW, a_notification

OWNERS = {"phone": ("alice",), "tablet": ("alice",), "desk": ("alice", "bob"), "nobodys": ()}


@pytest.mark.parametrize(
    ("addressed", "viewers"),
    [
        (frozenset({"alice"}), {"alice": ("phone", "tablet", "desk")}),
        (frozenset({"alice", "bob"}), {"alice": ("phone", "tablet", "desk"), "bob": ("desk",)}),
        # A device of one owner was addressed by a name that this owner may have given up meanwhile.
        (frozenset(), {"alice": ("phone", "tablet")}),
        (None, {"alice": ("phone", "tablet", "desk"), "bob": ("desk",)}),
    ],
)
def test_shared_device_is_for_whom_was_addressed(addressed: frozenset[str] | None, viewers: Mapping[str, tuple[str, ...]]) -> None:
    assert viewers_of(OWNERS, addressed) == viewers


@pytest.mark.parametrize(("profiles", "viewers"), [(MOST_VIEWERS, MOST_VIEWERS), (MOST_VIEWERS + 1, 0)])
def test_what_goes_to_too_many_is_shown_to_none(profiles: int, viewers: int) -> None:
    assert len(viewers_of({f"device-{number}": (f"profile-{number}",) for number in range(profiles)}, None)) == viewers


@given(st.dictionaries(st.text(), st.lists(st.sampled_from("abcde"), unique=True, max_size=3)), st.frozensets(st.sampled_from("abcde")))
def test_nobody_sees_a_device_of_others_and_no_device_is_left_out(owners: Mapping[str, list[str]], addressed: frozenset[str]) -> None:
    viewers = viewers_of(owners, addressed)
    assert all(profile_id in owners[device_id] for profile_id, devices in viewers.items() for device_id in devices)
    seen = {device_id for devices in viewers.values() for device_id in devices}
    assert seen >= {device_id for device_id, profile_ids in owners.items() if len(profile_ids) == 1 or addressed & set(profile_ids)}


def test_each_viewer_is_shown_the_state_and_the_counts_of_its_own_devices() -> None:
    viewers = {"alice": ("phone", "tablet"), "bob": ("desk",), "carol": ("new",)}
    told = a_notification(viewers=viewers, status=NotificationStatus.SENDING, counts=Counts(4, 1, 1, 1, 1))
    results = {
        "phone": Result(Outcome.SENT, "m", 200, 1),
        "tablet": Result(Outcome.FAILED, "UNREGISTERED", 404, 1),
        "desk": Result(Outcome.RETRYING, "UNAVAILABLE", 503, 1),
        "another": Result(Outcome.SENT, "m", 200, 1),
    }
    assert views_of(told, results) == [
        PublicView("alice", NotificationStatus.SENDING, Counts(2, sent=1, failed=1), NOW),
        PublicView("bob", NotificationStatus.SENDING, Counts(1, retrying=1), NOW),
        PublicView("carol", NotificationStatus.SENDING, Counts(1, unsent=1), NOW),
    ]


def test_without_viewers_nothing_is_shown() -> None:
    assert views_of(a_notification(), {}) == []
