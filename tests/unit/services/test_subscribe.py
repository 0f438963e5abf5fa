from __future__ import annotations

import json
from datetime import timedelta

from fanfare.domain.classification import Answer
from fanfare.domain.device import InactiveReason
from fanfare.domain.filters import AuditFilter
from fanfare.domain.following import follow_topic
from fanfare.domain.registration import Details, deactivate
from fanfare.domain.spreading import SETTLE_AFTER
from fanfare.domain.topic import MOST_TOPICS
from fanfare.ports import Deps
from fanfare.services.change_profile import delete_profile, restore_profile
from fanfare.services.device_states import activate_device, deactivate_device, erase_device
from fanfare.services.devices import delete_device, update_device
from fanfare.services.register_devices import register_device
from fanfare.services.settle_topics import settle_topics
from fanfare.services.subscribe import TOLD_AT_ONCE, TOO_MANY, UNKNOWN_DEVICE, UNKNOWN_PROFILE, Change, change_devices, change_profiles
from fanfare.services.tell_profiles import tell_devices
from tests.factories import NOW, TENANT_ID, a_call, a_device, a_registration, a_token
from tests.unit.services.seeding import add_devices, add_profile, device_of, profile_id, stored_device, username
from tests.unit.services.subscribing import a_scene, topics_of

CALL = a_call()
FULL = tuple(sorted(f"t{number}" for number in range(MOST_TOPICS)))


def _refusal(status: int, canonical: str) -> Answer:
    return Answer(status, json.dumps({"error": {"code": status, "status": canonical}}).encode())


def _actions(deps: Deps) -> list[tuple[str, tuple[str, ...]]]:
    return [(stored.entry.action, stored.entry.resource_ids) for stored in deps.audit.list(TENANT_ID, AuditFilter(), 100, None).items]


# Devices


def test_devices_are_subscribed_here_and_at_fcm_and_out_again() -> None:
    scene = a_scene("news", devices=3)
    outcome = change_devices(scene.deps, CALL, "news", ["d0", "d1"], Change.SUBSCRIBE)
    assert (outcome.changed, outcome.refused) == (2, {})
    assert (topics_of(scene.deps), scene.known("d0"), scene.known("d2")) == (("news",), {"news"}, set())
    assert stored_device(scene.deps, "d0").topic_sync.pending == ()
    outcome = change_devices(scene.deps, CALL, "news", ["d1", "d2"], Change.UNSUBSCRIBE)
    assert (outcome.changed, outcome.refused) == (1, {})
    assert (topics_of(scene.deps, "d1"), scene.known("d1"), scene.known("d0")) == ((), set(), {"news"})
    assert ("device.subscribed", ("d0", "d1")) in _actions(scene.deps)
    assert ("device.unsubscribed", ("d1",)) in _actions(scene.deps)


def test_repeated_and_doubled_subscriptions_change_nothing_more() -> None:
    scene = a_scene("news", devices=1)
    assert change_devices(scene.deps, CALL, "news", ["d0", "d0"], Change.SUBSCRIBE).changed == 1
    assert change_devices(scene.deps, CALL, "news", ["d0"], Change.SUBSCRIBE).changed == 0
    assert len(scene.fcm.told) == 1


def test_refused_devices_are_told_by_their_place() -> None:
    scene = a_scene("news", devices=1)
    deleted = deactivate(a_device(id="deleted"), InactiveReason.DELETED, NOW)
    add_devices(scene.deps, deleted, a_device(id="full", topics=FULL))
    outcome = change_devices(scene.deps, CALL, "news", ["unknown", "d0", "deleted", "full"], Change.SUBSCRIBE)
    assert (outcome.changed, outcome.refused) == (1, {0: UNKNOWN_DEVICE, 2: UNKNOWN_DEVICE, 3: TOO_MANY})


def test_what_fcm_refuses_for_good_is_told_and_kept_on_the_device() -> None:
    scene = a_scene("news", devices=2)
    scene.fcm.answers[a_token("d1").value] = _refusal(400, "FAILED_PRECONDITION")
    outcome = change_devices(scene.deps, CALL, "news", ["d0", "d1"], Change.SUBSCRIBE)
    assert (outcome.changed, outcome.refused) == (2, {1: "FCM refused it: FAILED_PRECONDITION"})
    assert stored_device(scene.deps, "d1").topic_sync.errors == (("news", "FAILED_PRECONDITION"),)


def test_many_devices_are_told_by_tasks() -> None:
    count = TOLD_AT_ONCE + 30
    scene = a_scene("news", devices=count)
    change_devices(scene.deps, CALL, "news", [f"d{number}" for number in range(count)], Change.SUBSCRIBE)
    assert len(scene.fcm.known) == TOLD_AT_ONCE
    scene.run_tasks()
    assert len(scene.fcm.known) == count


def test_slow_fcm_does_not_keep_the_caller_waiting() -> None:
    scene = a_scene("news", devices=5)
    scene.fcm.on_told = lambda: scene.clock.advance(timedelta(seconds=3))
    change_devices(scene.deps, CALL, "news", [f"d{number}" for number in range(5)], Change.SUBSCRIBE)
    assert len(scene.fcm.told) == 2
    scene.fcm.on_told = lambda: None
    scene.run_tasks()
    assert len(scene.fcm.known) == 5


def test_inactive_device_is_subscribed_when_it_comes_back() -> None:
    scene = a_scene("news", devices=1)
    deactivate_device(scene.deps, CALL, "d0")
    change_devices(scene.deps, CALL, "news", ["d0"], Change.SUBSCRIBE)
    assert (topics_of(scene.deps), scene.known("d0")) == (("news",), set())
    activate_device(scene.deps, CALL, "d0")
    scene.run_tasks()
    assert scene.known("d0") == {"news"}


# What happens to a subscribed device


def test_deactivated_device_gets_nothing_of_fcms_fan_out_until_it_is_activated() -> None:
    scene = a_scene("news", devices=1)
    change_devices(scene.deps, CALL, "news", ["d0"], Change.SUBSCRIBE)
    deactivate_device(scene.deps, CALL, "d0")
    scene.run_tasks()
    assert scene.known("d0") == set()
    activate_device(scene.deps, CALL, "d0")
    scene.run_tasks()
    assert scene.known("d0") == {"news"}
    delete_device(scene.deps, CALL, "d0")
    scene.run_tasks()
    assert scene.known("d0") == set()


def test_new_target_is_subscribed_to_everything() -> None:
    scene = a_scene("news", devices=1)
    change_devices(scene.deps, CALL, "news", ["d0"], Change.SUBSCRIBE)
    update_device(scene.deps, CALL, "d0", Details(), target=a_token("fresh"), platform=None, profile=None)
    assert scene.run_tasks() == 1
    assert scene.known("fresh") == {"news"}
    assert scene.known("d0") == set()


def test_install_that_registers_a_new_target_is_resubscribed() -> None:
    scene = a_scene("news")
    profile = add_profile(scene.deps)
    first = register_device(
        scene.deps, CALL, a_registration(target=a_token("old"), profile=profile_id(profile.id), details=Details(device_id="install"))
    )
    change_devices(scene.deps, CALL, "news", [first.device.id], Change.SUBSCRIBE)
    again = register_device(
        scene.deps, CALL, a_registration(target=a_token("fresh"), profile=profile_id(profile.id), details=Details(device_id="install"))
    )
    assert again.device.id == first.device.id
    scene.run_tasks()
    assert (scene.known("fresh"), scene.known("old")) == ({"news"}, set())


def test_refused_subscription_is_tried_again_when_the_app_registers_again() -> None:
    scene = a_scene("news", devices=1)
    scene.fcm.answers[a_token("d0").value] = _refusal(400, "FAILED_PRECONDITION")
    change_devices(scene.deps, CALL, "news", ["d0"], Change.SUBSCRIBE)
    scene.fcm.answers.clear()
    add_profile(scene.deps)
    register_device(scene.deps, CALL, a_registration(target=a_token("d0"), profile=profile_id("profile-1")))
    scene.run_tasks()
    assert scene.known("d0") == {"news"}
    assert stored_device(scene.deps, "d0").topic_sync.errors == ()


def test_erased_device_is_unsubscribed_at_fcm() -> None:
    scene = a_scene("news", devices=1)
    change_devices(scene.deps, CALL, "news", ["d0"], Change.SUBSCRIBE)
    erase_device(scene.deps, CALL, "d0")
    assert scene.fcm.known == set()


# Profiles


def test_profile_is_subscribed_with_its_devices_and_those_it_registers_later() -> None:
    scene = a_scene("news")
    alice = add_profile(scene.deps, username="alice")
    add_devices(scene.deps, device_of(alice, id="d0"), device_of(alice, id="d1"))
    outcome = change_profiles(scene.deps, CALL, "news", [username("alice")], Change.SUBSCRIBE)
    assert (outcome.changed, outcome.refused) == (1, {})
    assert (scene.known("d0"), scene.known("d1")) == ({"news"}, {"news"})
    register_device(scene.deps, CALL, a_registration(target=a_token("later"), profile=username("alice")))
    scene.run_tasks()
    assert scene.known("later") == {"news"}
    assert ("profile.subscribed", (alice.id,)) in _actions(scene.deps)


def test_profile_is_unsubscribed_from_all_its_devices() -> None:
    scene = a_scene("news")
    alice = add_profile(scene.deps)
    add_devices(scene.deps, device_of(alice, id="d0"), device_of(alice, id="d1"))
    change_devices(scene.deps, CALL, "news", ["d1"], Change.SUBSCRIBE)
    change_profiles(scene.deps, CALL, "news", [profile_id(alice.id)], Change.SUBSCRIBE)
    outcome = change_profiles(scene.deps, CALL, "news", [profile_id(alice.id)], Change.UNSUBSCRIBE)
    assert outcome.changed == 1
    assert (topics_of(scene.deps), topics_of(scene.deps, "d1"), scene.fcm.known) == ((), (), set())


def test_profile_that_never_was_subscribed_is_unsubscribed_from_its_devices_too() -> None:
    scene = a_scene("news")
    alice = add_profile(scene.deps)
    add_devices(scene.deps, device_of(alice, id="d0"))
    change_devices(scene.deps, CALL, "news", ["d0"], Change.SUBSCRIBE)
    assert change_profiles(scene.deps, CALL, "news", [profile_id(alice.id)], Change.UNSUBSCRIBE).changed == 0
    assert topics_of(scene.deps) == ()


def test_refused_profiles_are_told_by_their_place_each_time_they_are_named() -> None:
    scene = a_scene("news")
    add_profile(scene.deps, "gone", deleted_at=NOW)
    add_profile(scene.deps, "full", topics=FULL)
    add_profile(scene.deps, "alice")
    named = [profile_id(name) for name in ("unknown", "alice", "gone", "full", "gone", "alice")]
    outcome = change_profiles(scene.deps, CALL, "news", named, Change.SUBSCRIBE)
    assert (outcome.changed, outcome.refused) == (1, {0: UNKNOWN_PROFILE, 2: UNKNOWN_PROFILE, 3: TOO_MANY, 4: UNKNOWN_PROFILE})
    assert change_profiles(scene.deps, CALL, "news", [username("nobody")], Change.SUBSCRIBE).refused == {0: UNKNOWN_PROFILE}


def test_what_fcm_refuses_of_a_profiles_device_is_told_with_the_profile() -> None:
    scene = a_scene("news")
    alice, bob = add_profile(scene.deps, "alice"), add_profile(scene.deps, "bob")
    add_devices(scene.deps, device_of(alice, id="d0"), device_of(bob, id="d1"))
    scene.fcm.answers[a_token("d1").value] = _refusal(400, "FAILED_PRECONDITION")
    outcome = change_profiles(scene.deps, CALL, "news", [profile_id("alice"), profile_id("bob")], Change.SUBSCRIBE)
    assert outcome.refused == {1: "FCM refused it: FAILED_PRECONDITION"}


def test_devices_that_a_crash_left_behind_are_subscribed_by_the_tick() -> None:
    scene = a_scene("news")
    alice = add_profile(scene.deps)
    add_devices(scene.deps, device_of(alice, id="d0"))
    # The call stored the profile and got no further; a registration that had read the profile before stored its device afterwards.
    scene.deps.profiles.update_many(TENANT_ID, [alice.id], lambda profile: follow_topic(profile, "news", scene.clock.now()))
    add_devices(scene.deps, device_of(alice, id="d1"))
    settle_topics(scene.deps, "tick")
    assert topics_of(scene.deps) == ()
    scene.clock.advance(SETTLE_AFTER)
    settle_topics(scene.deps, "tick")
    scene.run_tasks()
    assert (scene.known("d0"), scene.known("d1")) == ({"news"}, {"news"})
    stored = scene.deps.profiles.get(TENANT_ID, alice.id)
    assert stored is not None
    assert stored.topics_check_at is None


def test_profile_with_very_many_devices_is_told_to_the_last_by_the_tick() -> None:
    scene = a_scene("news")
    alice = add_profile(scene.deps)
    add_devices(scene.deps, *(device_of(alice, id=f"d{number:03}") for number in range(150)))
    scene.deps.profiles.update_many(TENANT_ID, [alice.id], lambda profile: follow_topic(profile, "news", scene.clock.now()))
    assert len(tell_devices(scene.deps, TENANT_ID, [alice.id], most=100)) == 100
    assert scene.deps.subscriptions.count(TENANT_ID, ["news"]) == {"news": 100}
    scene.clock.advance(SETTLE_AFTER)
    settle_topics(scene.deps, "tick")
    scene.run_tasks()
    assert len(scene.fcm.known) == 150


def test_device_that_changes_hands_leaves_its_former_owners_topics() -> None:
    scene = a_scene("news", "sport")
    alice, bob = add_profile(scene.deps, "alice"), add_profile(scene.deps, "bob")
    change_profiles(scene.deps, CALL, "news", [profile_id("alice")], Change.SUBSCRIBE)
    change_profiles(scene.deps, CALL, "sport", [profile_id("bob")], Change.SUBSCRIBE)
    first = register_device(scene.deps, CALL, a_registration(profile=profile_id(alice.id)))
    again = register_device(scene.deps, CALL, a_registration(profile=profile_id(bob.id)))
    assert first.device.id == again.device.id
    scene.run_tasks()
    assert (topics_of(scene.deps, again.device.id), scene.known("new")) == (("sport",), {"sport"})


def test_deleted_profile_takes_its_devices_out_of_its_topics_and_a_restored_one_back() -> None:
    scene = a_scene("news")
    alice = add_profile(scene.deps)
    add_devices(scene.deps, device_of(alice, id="d0"))
    change_profiles(scene.deps, CALL, "news", [profile_id(alice.id)], Change.SUBSCRIBE)
    delete_profile(scene.deps, CALL, alice.id)
    scene.run_tasks()
    assert scene.known("d0") == set()
    restore_profile(scene.deps, CALL, alice.id)
    scene.run_tasks()
    assert scene.known("d0") == {"news"}
