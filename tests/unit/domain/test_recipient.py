"""Recipients: what a row takes of a device, and that one notification reaches a target once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fanfare.domain.message import Platform, TargetKind
from fanfare.domain.recipient import Recipient, anonymous_recipient, distinct, fanned_out_recipient, recipient_of
from fanfare.domain.target import Target, anonymous_device_id
from tests.factories import a_device, a_recipient, a_token, an_owner

_rows = st.lists(st.builds(a_recipient, device_id=st.sampled_from("abcd"), target=st.sampled_from("123").map(a_token)), max_size=8)


def test_row_takes_what_a_send_needs_of_a_device() -> None:
    device = a_device(id="d1", target=a_token("x"), platform=Platform.IOS, locale="sw-TZ", owners=(an_owner("p1", username="alice"),))
    assert recipient_of(device) == Recipient("d1", a_token("x"), Platform.IOS, "sw-TZ", "alice")


def test_row_carries_the_username_that_was_addressed() -> None:
    device = a_device(owners=(an_owner("p1", username="alice"), an_owner("p2", username="bob")))
    assert recipient_of(device, "bob").username == "bob"


def test_row_carries_the_first_username_that_an_owner_has() -> None:
    nameless = an_owner("p1", username=None)
    assert recipient_of(a_device(owners=(nameless, an_owner("p2", username="bob"), an_owner("p3")))).username == "bob"
    assert recipient_of(a_device(owners=(nameless,))).username is None
    assert recipient_of(a_device(owners=())).username is None


def test_bare_target_is_a_row_under_a_computed_id() -> None:
    target = a_token("given")
    assert anonymous_recipient(target, Platform.WEB) == Recipient(anonymous_device_id(target), target, Platform.WEB)


def test_topic_is_one_row_without_device_and_platform() -> None:
    topic = Target(TargetKind.TOPIC, "news")
    assert fanned_out_recipient(topic) == Recipient("", topic, None)


@given(_rows)
def test_each_target_is_reached_once_by_its_first_row(rows: list[Recipient]) -> None:
    kept = distinct(rows)
    firsts = [row for index, row in enumerate(rows) if row.target not in [earlier.target for earlier in rows[:index]]]
    assert list(kept) == firsts


def test_token_and_fid_of_one_value_are_two_targets() -> None:
    rows = [a_recipient(target=Target(kind, "same")) for kind in (TargetKind.TOKEN, TargetKind.FID)]
    assert list(distinct(rows)) == rows
