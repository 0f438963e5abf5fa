from __future__ import annotations

import json
from datetime import timedelta

import pytest

from fanfare.domain.breaker import ALL
from fanfare.domain.classification import Answer
from fanfare.domain.errors import CredentialRefused, Unavailable
from fanfare.domain.subscribing import leave_topic
from fanfare.domain.topic_sync import IN_SYNC
from fanfare.services.change_profile import erase_profile
from fanfare.services.device_states import erase_device
from fanfare.services.hold_tenant import close_tenant_breaker, open_tenant_breaker
from fanfare.services.settle_topics import OVERDUE, settle_topics
from fanfare.services.subscribe import Change, change_devices
from fanfare.services.sync_topics import HELD, MOST_PAIRS, sync_topics
from local.fcm.errors import ErrorName, named_error
from tests.factories import TENANT_ID, a_call, a_device, a_token
from tests.fakes import ScriptedPushSender
from tests.unit.services.seeding import add_devices, add_profile, device_of, stored_device
from tests.unit.services.subscribing import Scene, a_scene, topics_of

CALL = a_call()
HOUR = timedelta(hours=1)


def _answer(name: ErrorName, retry_after_seconds: int = 0) -> Answer:
    error = named_error(name)
    return Answer(error.status, json.dumps(error.body).encode(), retry_after_seconds)


def _subscribed(name: ErrorName, retry_after_seconds: int = 0, *, devices: int = 1) -> Scene:
    """A device d0 whose subscription to `news` FCM answered with this error."""
    scene = a_scene("news", devices=devices)
    scene.fcm.answers[a_token("d0").value] = _answer(name, retry_after_seconds)
    change_devices(scene.deps, CALL, "news", ["d0"], Change.SUBSCRIBE)
    return scene


@pytest.mark.parametrize("name", [ErrorName.UNAVAILABLE, ErrorName.INTERNAL, ErrorName.RATE_LIMIT_EXCEEDED, ErrorName.BAD_GATEWAY])
def test_failure_for_now_is_tried_again_by_a_task(name: ErrorName) -> None:
    scene = _subscribed(name)
    assert (topics_of(scene.deps), scene.known("d0")) == (("news",), set())
    assert scene.run_tasks() == 0
    scene.fcm.answers.clear()
    scene.clock.advance(timedelta(minutes=10))
    assert scene.run_tasks() == 1
    assert (scene.known("d0"), stored_device(scene.deps, "d0").topic_sync) == ({"news"}, IN_SYNC)


def test_retry_after_is_heeded() -> None:
    scene = _subscribed(ErrorName.RATE_LIMIT_EXCEEDED, 900)
    scene.fcm.answers.clear()
    scene.clock.advance(timedelta(seconds=899))
    assert scene.run_tasks() == 0
    scene.clock.advance(timedelta(seconds=100))
    scene.run_tasks()
    assert scene.known("d0") == {"news"}


def test_task_that_comes_too_early_leaves_what_is_not_due() -> None:
    scene = _subscribed(ErrorName.UNAVAILABLE)
    told = len(scene.fcm.told)
    assert sync_topics(scene.deps, TENANT_ID, ["d0"], "repeat") == 0
    assert len(scene.fcm.told) == told


def test_lost_task_costs_a_minute() -> None:
    scene = a_scene("news", devices=1)
    scene.tasks.refusing = True
    scene.fcm.failure = Unavailable("no token")
    change_devices(scene.deps, CALL, "news", ["d0"], Change.SUBSCRIBE)
    scene.tasks.refusing, scene.fcm.failure = False, None
    due = stored_device(scene.deps, "d0").topic_sync.check_at
    assert due is not None
    scene.clock.advance(due - scene.clock.now() + OVERDUE - timedelta(seconds=1))
    settle_topics(scene.deps, "tick")
    assert scene.run_tasks() == 0
    scene.clock.advance(timedelta(seconds=1))
    settle_topics(scene.deps, "tick")
    assert scene.run_tasks() == 1
    assert scene.known("d0") == {"news"}


def test_crash_after_the_commit_is_healed_by_the_tick() -> None:
    scene = a_scene("news")
    add_devices(scene.deps, a_device(id="d0", topics=("news",)))
    scene.clock.advance(OVERDUE)
    settle_topics(scene.deps, "tick")
    scene.run_tasks()
    assert scene.known("d0") == {"news"}


@pytest.mark.parametrize("name", [ErrorName.PERMISSION_DENIED, ErrorName.NOT_FOUND_NO_FCM_ERROR])
def test_broken_project_opens_the_breaker_and_keeps_everything_pending(name: ErrorName) -> None:
    scene = _subscribed(name)
    tenant = scene.deps.tenants.get_fresh(TENANT_ID)
    assert tenant is not None
    assert set(tenant.breakers) == {ALL}
    scene.fcm.answers.clear()
    scene.clock.advance(HELD)
    scene.run_tasks()
    assert scene.known("d0") == set()
    close_tenant_breaker(scene.deps, TENANT_ID, ALL)
    scene.clock.advance(HELD + OVERDUE)
    settle_topics(scene.deps, "tick")
    scene.run_tasks()
    assert scene.known("d0") == {"news"}


def test_held_tenant_is_not_asked_and_does_not_stand_in_the_others_way() -> None:
    scene = a_scene("news", devices=1)
    open_tenant_breaker(scene.deps, TENANT_ID, ALL, "PERMISSION_DENIED")
    change_devices(scene.deps, CALL, "news", ["d0"], Change.SUBSCRIBE)
    assert scene.fcm.told == []
    assert scene.deps.subscriptions.find_unsynced(scene.clock.now(), 10) == []
    assert scene.deps.subscriptions.find_unsynced(scene.clock.now() + HELD, 10) == [(TENANT_ID, "d0")]


def test_access_token_that_fcm_does_not_take_is_renewed_once() -> None:
    scene = a_scene("news", devices=1, sender=(sender := ScriptedPushSender()))
    scene.fcm.answers[a_token("d0").value] = _answer(ErrorName.UNAUTHENTICATED)
    scene.fcm.on_told = scene.fcm.answers.clear
    change_devices(scene.deps, CALL, "news", ["d0"], Change.SUBSCRIBE)
    assert sender.renewed == [TENANT_ID]
    assert scene.known("d0") == {"news"}
    tenant = scene.deps.tenants.get_fresh(TENANT_ID)
    assert tenant is not None
    assert not tenant.breakers


def test_refused_credential_opens_the_breaker() -> None:
    scene = a_scene("news", devices=1)
    scene.fcm.failure = CredentialRefused("CREDENTIAL_REFUSED")
    change_devices(scene.deps, CALL, "news", ["d0"], Change.SUBSCRIBE)
    tenant = scene.deps.tenants.get_fresh(TENANT_ID)
    assert tenant is not None
    assert tenant.breakers[ALL].reason == "CREDENTIAL_REFUSED"
    assert stored_device(scene.deps, "d0").topic_sync.pending == ("news",)


def test_dead_target_has_no_subscription_and_is_told_no_more() -> None:
    scene = _subscribed(ErrorName.UNREGISTERED)
    assert stored_device(scene.deps, "d0").topic_sync.errors == (("news", "UNREGISTERED"),)
    scene.clock.advance(HOUR)
    settle_topics(scene.deps, "tick")
    assert scene.run_tasks() == 0


def test_change_while_fcm_is_told_wins() -> None:
    scene = a_scene("news", devices=1)

    def leave() -> None:
        scene.fcm.on_told = lambda: None
        scene.deps.devices.update(TENANT_ID, "d0", lambda device: leave_topic(device, "news"))

    scene.fcm.on_told = leave
    change_devices(scene.deps, CALL, "news", ["d0"], Change.SUBSCRIBE)
    for _ in range(3):
        scene.run_tasks()
        scene.clock.advance(HOUR)
    assert (topics_of(scene.deps), scene.known("d0")) == ((), set())
    assert stored_device(scene.deps, "d0").topic_sync == IN_SYNC


def test_a_call_tells_no_more_than_its_share_and_asks_for_another() -> None:
    scene = a_scene()
    topics = tuple(f"t{number:03}" for number in range(300))
    add_devices(scene.deps, *(a_device(id=f"d{number}", topics=topics) for number in range(4)))
    assert sync_topics(scene.deps, TENANT_ID, [f"d{number}" for number in range(4)], "task") == MOST_PAIRS
    assert [task.subject for task in scene.tasks.fanouts] == [("d3",)]
    scene.run_tasks()
    assert len(scene.fcm.known) == 1_200


def test_unknown_tenant_and_unknown_devices_are_passed_over() -> None:
    scene = a_scene(devices=1)
    assert sync_topics(scene.deps, TENANT_ID, ["unknown", "d0"], "task") == 0
    assert sync_topics(scene.deps, "nobody", ["d0"], "task") == 0


@pytest.mark.parametrize("failure", [Unavailable("no token"), CredentialRefused("CREDENTIAL_REFUSED")])
def test_erasing_does_not_wait_for_fcm(failure: Exception) -> None:
    scene = a_scene("news", devices=2)
    change_devices(scene.deps, CALL, "news", ["d0", "d1"], Change.SUBSCRIBE)
    scene.fcm.failure = failure
    erase_device(scene.deps, CALL, "d0")
    assert scene.deps.devices.get(TENANT_ID, ["d0"]) == []
    scene.fcm.failure = None
    open_tenant_breaker(scene.deps, TENANT_ID, ALL, "X")
    told = len(scene.fcm.told)
    erase_device(scene.deps, CALL, "d1")
    assert len(scene.fcm.told) == told


def test_erased_profile_leaves_fcm_with_its_devices_as_far_as_there_is_time() -> None:
    scene = a_scene("news")
    alice = add_profile(scene.deps)
    add_devices(scene.deps, *(device_of(alice, id=f"d{number}") for number in range(4)))
    change_devices(scene.deps, CALL, "news", [f"d{number}" for number in range(4)], Change.SUBSCRIBE)
    scene.fcm.on_told = lambda: scene.clock.advance(timedelta(seconds=2))
    erase_profile(scene.deps, CALL, alice.id)
    assert len(scene.fcm.known) == 2
