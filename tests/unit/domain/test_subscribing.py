from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfare.domain.classification import RetryRule
from fanfare.domain.device import Device, InactiveReason
from fanfare.domain.registration import Displacement, RegistrationPlan, deactivate, noted, retarget, revive, weight_of
from fanfare.domain.subscribing import (
    MOST_ERRORS,
    TOO_MANY_TOPICS,
    Subscription,
    farewells_of,
    follow_owners,
    forget_topic,
    join_topic,
    leave_topic,
    note_changes,
    postpone,
    retry_refused,
    subscriptions_of,
)
from fanfare.domain.subscription_answer import DONE, SyncAction, SyncOutcome
from fanfare.domain.sync_outcomes import TELL_AGAIN_AFTER, note_outcomes
from fanfare.domain.topic import MOST_TOPICS
from fanfare.domain.topic_sync import IN_SYNC, TopicSync
from tests.factories import NOW, a_device, a_token, an_owner

SUBSCRIBED = a_device(topics=("news", "sport"))
DEAD = (InactiveReason.UNREGISTERED, InactiveReason.SENDER_ID_MISMATCH, InactiveReason.INVALID_TARGET)
RETRY = SyncOutcome(SyncAction.RETRY, "UNAVAILABLE", RetryRule.BACKOFF)
FAILED = SyncOutcome(SyncAction.FAILED, "FAILED_PRECONDITION")
GONE = SyncOutcome(SyncAction.GONE, "UNREGISTERED")
PARK = SyncOutcome(SyncAction.PARK, "PERMISSION_DENIED")


def _pending(*topics: str, **fields: Any) -> Device:
    """A device that wants `news` and `sport`, with something pending."""
    return replace(SUBSCRIBED, topic_sync=TopicSync(topics, **fields))


def _told(device: Device, outcome: SyncOutcome = DONE) -> Mapping[Subscription, SyncOutcome]:
    return dict.fromkeys(subscriptions_of(device), outcome)


def _stored(before: Device | None, after: Device | None) -> Device:
    assert after is not None
    return note_changes(before, after)


# What becomes pending


def test_new_device_is_pending_with_all_its_topics() -> None:
    assert _stored(None, SUBSCRIBED).topic_sync == TopicSync(("news", "sport"))
    assert _stored(None, a_device()).topic_sync == IN_SYNC


def test_what_came_and_what_went_is_pending() -> None:
    assert _stored(SUBSCRIBED, join_topic(SUBSCRIBED, "art")).topic_sync.pending == ("art",)
    assert _stored(SUBSCRIBED, leave_topic(SUBSCRIBED, "news")).topic_sync.pending == ("news",)


def test_another_change_leaves_what_is_pending() -> None:
    device = _pending("news", check_at=NOW, attempt=3)
    assert _stored(device, replace(device, locale="sw")).topic_sync == device.topic_sync


def test_change_makes_everything_due_at_once() -> None:
    device = _pending("news", check_at=NOW, attempt=3, errors=(("art", "X"), ("x", "Y")))
    assert _stored(device, join_topic(device, "art")).topic_sync == TopicSync(("art", "news"), errors=(("x", "Y"),))


def test_topic_that_turns_while_it_is_pending_is_contested() -> None:
    device = _pending("news")
    assert _stored(device, leave_topic(device, "news")).topic_sync == TopicSync(("news",), ("news",))


@pytest.mark.parametrize("reason", [reason for reason in InactiveReason if reason not in DEAD])
def test_inactive_device_leaves_all_its_topics_and_comes_back_to_them(reason: InactiveReason) -> None:
    gone = _stored(SUBSCRIBED, deactivate(SUBSCRIBED, reason, NOW))
    assert [(each.topic, each.subscribed) for each in subscriptions_of(gone)] == [("news", False), ("sport", False)]
    back = _stored(replace(gone, topic_sync=IN_SYNC), revive(gone))
    assert [(each.topic, each.subscribed) for each in subscriptions_of(back)] == [("news", True), ("sport", True)]


@pytest.mark.parametrize("reason", DEAD)
def test_of_a_dead_target_there_is_nothing_to_tell(reason: InactiveReason) -> None:
    device = _pending("news", contested=("news",), check_at=NOW)
    retired = _stored(device, deactivate(device, reason, NOW))
    assert retired.topic_sync == IN_SYNC
    assert farewells_of(replace(retired, topic_sync=TopicSync(("news",)))) == []


def test_new_target_is_subscribed_to_everything_anew() -> None:
    device = _pending("gone", contested=("gone",), check_at=NOW, attempt=2, errors=(("x", TOO_MANY_TOPICS), ("y", "FAILED")))
    moved = _stored(device, retarget(device, a_token("fresh"), NOW))
    assert moved.topic_sync == TopicSync(("news", "sport"), errors=(("x", TOO_MANY_TOPICS),))
    assert {each.target for each in subscriptions_of(moved)} == {a_token("fresh")}


def test_plan_is_stored_with_what_is_pending_of_both_its_devices() -> None:
    lost = deactivate(a_device(id="d2", topics=("art",)), InactiveReason.REPLACED, NOW)
    plan = noted(RegistrationPlan(SUBSCRIBED, displaced=Displacement(a_device(id="d2", topics=("art",)), lost)))
    assert plan.device.topic_sync.pending == ("news", "sport")
    assert plan.displaced is not None
    assert plan.displaced.after.topic_sync.pending == ("art",)
    assert noted(RegistrationPlan(SUBSCRIBED)).device == plan.device
    assert weight_of(plan) > weight_of(RegistrationPlan(SUBSCRIBED)) > weight_of(RegistrationPlan(a_device()))


def test_refused_topics_are_tried_again_when_the_device_is_heard_of() -> None:
    device = _pending("sport", check_at=NOW, attempt=4, errors=(("news", "FAILED"), ("x", TOO_MANY_TOPICS)))
    assert retry_refused(device).topic_sync == TopicSync(("news", "sport"), errors=(("x", TOO_MANY_TOPICS),))
    assert retry_refused(SUBSCRIBED) is SUBSCRIBED


# Topics of a device and of its owners


def test_joining_and_leaving_twice_changes_nothing() -> None:
    assert join_topic(SUBSCRIBED, "news") is None
    assert leave_topic(SUBSCRIBED, "art") is None
    assert forget_topic(SUBSCRIBED, "art") is None


def test_device_follows_its_owners_in_and_out() -> None:
    alone = a_device(topics=("own",))
    followed = follow_owners(alone, replace(alone, owners=(an_owner(topics=("news", "sport")),)))
    assert followed.topics == ("news", "own", "sport")
    left = follow_owners(followed, replace(followed, owners=(an_owner(topics=("sport",)),)))
    assert left.topics == ("own", "sport")


def test_topic_of_one_owner_stays_while_another_has_it() -> None:
    device = a_device(owners=(an_owner("p1", topics=("news",)), an_owner("p2", topics=("news",))), topics=("news",))
    one = follow_owners(device, replace(device, owners=device.owners[:1]))
    assert one.topics == ("news",)
    assert follow_owners(one, replace(one, owners=())).topics == ()


def test_device_that_left_its_owners_topic_stays_away_until_the_owner_comes_anew() -> None:
    device = a_device(owners=(an_owner(topics=("news",)),), topics=("news",))
    away = leave_topic(device, "news")
    assert away is not None
    assert follow_owners(away, replace(away, locale="sw")).topics == ()
    forgot = follow_owners(away, replace(away, owners=(an_owner(),)))
    assert follow_owners(forgot, replace(forgot, owners=device.owners)).topics == ("news",)


def test_deleted_topic_is_forgotten_by_the_memory_of_owners_too() -> None:
    device = a_device(owners=(an_owner(topics=("news", "sport")),), topics=("news", "sport"))
    forgotten = forget_topic(device, "news")
    assert forgotten is not None
    assert (forgotten.topics, forgotten.owners[0].topics) == (("sport",), ("sport",))
    assert forget_topic(replace(device, topics=("sport",)), "news") is not None


def test_what_does_not_fit_is_noted_as_refused() -> None:
    full = a_device(topics=tuple(sorted(str(number) for number in range(MOST_TOPICS))))
    followed = follow_owners(full, replace(full, owners=(an_owner(topics=("news",)),)))
    assert followed.topics == full.topics
    assert followed.topic_sync.errors == (("news", TOO_MANY_TOPICS),)


def test_errors_are_bounded_and_the_latest_are_kept() -> None:
    full = a_device(topics=tuple(str(number) for number in range(MOST_TOPICS)))
    names = tuple(sorted(f"n{number:02}" for number in range(MOST_ERRORS + 5)))
    errors = follow_owners(full, replace(full, owners=(an_owner(topics=names),))).topic_sync.errors
    assert [topic for topic, _ in errors] == list(names[5:])


# What FCM answered


def test_what_is_done_is_no_longer_pending() -> None:
    device = _pending("gone", "news", check_at=NOW, attempt=2)
    assert [(each.topic, each.subscribed) for each in subscriptions_of(device)] == [("gone", False), ("news", True)]
    noted_device = note_outcomes(device, _told(device), NOW, 0.5)
    assert noted_device == replace(device, topic_sync=IN_SYNC)


def test_untold_topics_stay_pending_and_due() -> None:
    device = _pending("news", "sport", check_at=NOW)
    told = {each: DONE for each in subscriptions_of(device) if each.topic == "news"}
    noted_device = note_outcomes(device, told, NOW, 0.5)
    assert noted_device is not None
    assert noted_device.topic_sync == TopicSync(("sport",), check_at=NOW)


def test_failure_for_now_waits_longer_each_time() -> None:
    device = _pending("news", check_at=NOW)
    waits = []
    for attempt in range(1, 16):
        device = note_outcomes(device, _told(device, RETRY), NOW, 1.0) or device
        assert (device.topic_sync.pending, device.topic_sync.attempt) == (("news",), attempt)
        assert device.topic_sync.check_at is not None
        waits.append(device.topic_sync.check_at - NOW)
    assert waits == sorted(waits)
    assert timedelta(seconds=10) <= waits[0] <= timedelta(seconds=20)
    assert waits[-1] == timedelta(hours=6)


def test_retry_after_is_heeded_for_the_whole_device() -> None:
    device = _pending("news", "sport", check_at=NOW)
    slow = SyncOutcome(SyncAction.RETRY, "QUOTA_EXCEEDED", RetryRule.QUOTA, retry_after_seconds=90_000)
    told = dict(zip(subscriptions_of(device), (RETRY, slow), strict=True))
    noted_device = note_outcomes(device, told, NOW, 0.0)
    assert noted_device is not None
    assert noted_device.topic_sync.check_at == NOW + timedelta(seconds=86_400)


@pytest.mark.parametrize("outcome", [FAILED, GONE])
def test_refusal_for_good_is_kept_with_its_code(outcome: SyncOutcome) -> None:
    device = _pending("news", check_at=NOW, attempt=3, errors=(("news", "OLD"), ("x", "OTHER")))
    noted_device = note_outcomes(device, _told(device, outcome), NOW, 0.5)
    assert noted_device is not None
    assert noted_device.topic_sync == TopicSync(errors=(("x", "OTHER"), ("news", outcome.code)))


def test_success_takes_an_earlier_error_away() -> None:
    device = _pending("news", errors=(("news", "OLD"),))
    assert note_outcomes(device, _told(device), NOW, 0.5) == replace(device, topic_sync=IN_SYNC)


def test_what_was_told_wrongly_is_pending_again_at_once() -> None:
    device = _pending("news", check_at=NOW)
    changed = replace(leave_topic(device, "news") or device, topic_sync=IN_SYNC)
    noted_device = note_outcomes(changed, _told(device), NOW, 0.5)
    assert noted_device is not None
    assert noted_device.topic_sync == TopicSync(("news",), check_at=NOW)


def test_contested_topic_is_told_twice() -> None:
    device = _pending("news", contested=("news",), check_at=NOW)
    once = note_outcomes(device, _told(device), NOW, 0.5)
    assert once is not None
    assert once.topic_sync == TopicSync(("news",), check_at=NOW + TELL_AGAIN_AFTER)
    twice = note_outcomes(once, _told(once), NOW, 0.5)
    assert twice is not None
    assert twice.topic_sync == IN_SYNC


def test_what_was_told_of_an_earlier_target_counts_for_nothing() -> None:
    device = _pending("news")
    moved = note_changes(device, retarget(device, a_token("fresh"), NOW))
    assert note_outcomes(moved, _told(device), NOW, 0.5) is None


def test_of_a_device_that_was_retired_meanwhile_nothing_is_noted() -> None:
    device = _pending("news")
    assert note_outcomes(note_changes(device, deactivate(device, InactiveReason.UNREGISTERED, NOW)), _told(device), NOW, 0.5) is None
    assert note_outcomes(device, {}, NOW, 0.5) is None


def test_broken_project_leaves_everything_as_it_is() -> None:
    device = _pending("news", check_at=NOW)
    assert note_outcomes(device, _told(device, PARK), NOW, 0.5) is None
    later = postpone(device, NOW + timedelta(minutes=5))
    assert later is not None
    assert later.topic_sync == TopicSync(("news",), check_at=NOW + timedelta(minutes=5))
    assert postpone(SUBSCRIBED, NOW) is None


def test_erased_device_leaves_all_that_fcm_may_know() -> None:
    device = _pending("gone", "news")
    assert [(each.topic, each.subscribed) for each in farewells_of(device)] == [("gone", False), ("news", False), ("sport", False)]


# Whatever happens in whatever order, FCM ends up knowing what the device wants.

_STEPS = st.lists(st.tuples(st.sampled_from(["join", "leave", "deactivate", "revive", "begin", "end", "crash"]), st.sampled_from("abc")), max_size=30)


@given(_STEPS)
def test_fcm_ends_up_knowing_what_the_device_wants(steps: list[tuple[str, str]]) -> None:
    device, fcm, calls = note_changes(None, a_device()), set[str](), list[list[Subscription]]()

    def tell(subscriptions: list[Subscription]) -> None:
        for each in subscriptions:
            (fcm.add if each.subscribed else fcm.discard)(each.topic)

    def end(call: list[Subscription]) -> Device:
        # A call's requests reach FCM at its end, when others may have been and gone.
        tell(call)
        return note_outcomes(device, dict.fromkeys(call, DONE), NOW, 0.5) or device

    for step, topic in steps:
        match step:
            case "begin":
                calls.append(subscriptions_of(device))
            case "end":
                device = end(calls.pop(0)) if calls else device
            case "crash":
                # A call that ends before it told anything.
                calls = calls[1:]
            case _:
                device = note_changes(device, _changed(device, step, topic) or device)
    for call in calls:
        device = end(call)
    while device.topic_sync.pending:
        device = end(subscriptions_of(device))
    assert fcm == (set(device.topics) if device.active else set())


def _changed(device: Device, step: str, topic: str) -> Device | None:
    match step:
        case "join":
            return join_topic(device, topic)
        case "leave":
            return leave_topic(device, topic)
        case "deactivate":
            return deactivate(device, InactiveReason.DEACTIVATED, NOW)
        case _:
            return revive(device)
