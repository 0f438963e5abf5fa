from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from tests.chaos.audience import draft_notifications, registration_of
from tests.chaos.faults import UNAVAILABLE, fcm_faults
from tests.chaos.plan import SMALL, Plan

PLAN = Plan(recipients=3_000, kills=20, seed=7)


def test_the_same_seed_plans_the_same_and_another_one_something_else() -> None:
    assert (PLAN.kill_instants(), draft_notifications(PLAN)) == (PLAN.kill_instants(), draft_notifications(PLAN))
    other = replace(PLAN, seed=8)
    assert PLAN.kill_instants() != other.kill_instants()
    assert draft_notifications(PLAN) != draft_notifications(other)


@pytest.mark.parametrize("plan", [PLAN, SMALL, Plan(recipients=1)], ids=["medium", "small", "one"])
def test_every_recipient_is_in_one_notification_of_at_most_500(plan: Plan) -> None:
    drafts = draft_notifications(plan)
    targets = [person.target for draft in drafts for person in draft.people]
    assert len(targets) == len(set(targets)) == plan.recipients
    assert all(0 < len(draft.people) <= 500 for draft in drafts)


def test_the_small_run_has_all_that_the_large_one_has() -> None:
    drafts = draft_notifications(SMALL)
    people = [person for draft in drafts for person in draft.people]
    assert {person.platform for person in people} == {"android", "ios", "web"}
    assert {person.kind for person in people} == {"token", "fid"}
    assert {draft.registered for draft in drafts} == {True, False}
    assert {index % 3 for index in range(len(drafts))} == {0, 1, 2}
    assert any(person.dead for draft in drafts if draft.registered for person in draft.people)


def test_kills_firestore_stop_and_posts_lie_within_the_time_of_the_kills() -> None:
    instants = [*PLAN.kill_instants(), PLAN.firestore_stop_instant(), *PLAN.post_instants(8)]
    assert len(PLAN.kill_instants()) == 20
    assert 0 <= min(instants) <= max(instants) <= PLAN.kill_seconds


@pytest.mark.parametrize(("plan", "notifications"), [(Plan(), 51), (SMALL, 5)], ids=["full", "small"])
def test_posts_are_spread_evenly_over_nearly_all_of_the_kills(plan: Plan, notifications: int) -> None:
    instants = plan.post_instants(notifications)
    gaps = {round(later - earlier, 6) for earlier, later in pairwise(instants)}
    assert instants[0] == 0
    assert gaps == {round(0.95 * plan.kill_seconds / notifications, 6)}


@pytest.mark.parametrize(("plan", "notifications"), [(Plan(), 51), (SMALL, 5)], ids=["full", "small"])
@pytest.mark.parametrize("seed", range(1, 6))
def test_send_is_killed_in_every_stretch_of_time_and_after_the_last_post(plan: Plan, notifications: int, seed: int) -> None:
    instants = replace(plan, seed=seed).kill_instants()
    assert [int(instant // plan.seconds_per_kill) for instant in instants] == list(range(plan.kills))
    assert instants[-1] > plan.post_instants(notifications)[-1]


def test_a_tag_of_the_callers_own_stands_where_each_platform_reads_it() -> None:
    own = draft_notifications(PLAN)[2]
    message = own.message
    assert own.tag is not None
    assert [
        message["android"]["notification"]["tag"],
        message["apns"]["headers"]["apns-collapse-id"],
        message["webpush"]["notification"]["tag"],
    ] == [own.tag] * 3


def test_a_device_is_registered_with_the_target_that_is_judged_later() -> None:
    person = draft_notifications(PLAN)[0].people[0]
    assert registration_of(person, 120) == {person.kind: person.target, "platform": person.platform, "username": "chaos-2"}


def test_faults_end_with_their_share_but_dead_targets_stay_dead() -> None:
    rules = {fault.name: fault.rule(PLAN) for fault in fcm_faults(PLAN)}
    assert rules[UNAVAILABLE]["times"] == 60
    assert rules["dead"]["times"] is None
    assert len({rule["match"]["seed"] for rule in rules.values() if "seed" in rule["match"]}) == 8
