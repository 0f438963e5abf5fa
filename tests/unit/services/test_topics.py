from __future__ import annotations

from collections.abc import Callable

import pytest

from fanfare.domain.audit import AuditEntry
from fanfare.domain.errors import Conflict, InvalidRequest, NotFound
from fanfare.domain.filters import AuditFilter, TopicFilter
from fanfare.domain.topic import DELETE_AFTER
from fanfare.services.delete_topic import PAGE, PAGES_AT_ONCE, delete_topic
from fanfare.services.list_pages import list_topics
from fanfare.services.settle_topics import settle_topics
from fanfare.services.subscribe import Change, change_devices, change_profiles
from fanfare.services.topics import check_topic_exists, check_topic_not_deleted, count_topic, create_topic, get_topic
from tests.factories import TENANT_ID, a_call, a_device
from tests.unit.services.seeding import add_devices, add_profile, device_of, profile_id
from tests.unit.services.subscribing import Scene, a_scene, topics_of

CALL = a_call()
Check = Callable[..., None]


def _entries(scene: Scene, action: str) -> list[AuditEntry]:
    return [stored.entry for stored in scene.deps.audit.list(TENANT_ID, AuditFilter(action=action), 500, None).items]


def test_topic_is_found_counted_and_listed() -> None:
    scene = a_scene("sport", devices=3)
    create_topic(scene.deps, CALL, "news", "What happened")
    change_devices(scene.deps, CALL, "news", ["d0", "d1"], Change.SUBSCRIBE)
    counted = count_topic(scene.deps, TENANT_ID, get_topic(scene.deps, TENANT_ID, "news"))
    assert (counted.topic.description, counted.subscriber_count) == ("What happened", 2)
    listed, cursor = list_topics(scene.deps, TENANT_ID, TopicFilter(), 10, None)
    assert [(each.topic.name, each.subscriber_count) for each in listed] == [("news", 2), ("sport", 0)]
    assert cursor is None
    assert list_topics(scene.deps, TENANT_ID, TopicFilter("x"), 10, None) == ([], None)


def test_a_name_is_taken_once() -> None:
    scene = a_scene("news")
    with pytest.raises(Conflict):
        create_topic(scene.deps, CALL, "news", None)
    assert len(_entries(scene, "topic.created")) == 1


def test_unknown_topic_is_not_found() -> None:
    scene = a_scene(devices=1)
    for ask in (get_topic, lambda deps, _, name: delete_topic(deps, CALL, name)):
        with pytest.raises(NotFound):
            ask(scene.deps, TENANT_ID, "news")
    with pytest.raises(NotFound):
        change_devices(scene.deps, CALL, "news", ["d0"], Change.SUBSCRIBE)
    with pytest.raises(NotFound):
        change_profiles(scene.deps, CALL, "news", [profile_id("profile-1")], Change.SUBSCRIBE)


def test_deletion_unsubscribes_devices_and_profiles_here_and_at_fcm() -> None:
    scene = a_scene("news", devices=1)
    profile = add_profile(scene.deps)
    add_devices(scene.deps, device_of(profile, id="own"))
    change_profiles(scene.deps, CALL, "news", [profile_id(profile.id)], Change.SUBSCRIBE)
    change_devices(scene.deps, CALL, "news", ["d0"], Change.SUBSCRIBE)
    assert (scene.known("own"), scene.known("d0")) == ({"news"}, {"news"})
    delete_topic(scene.deps, CALL, "news")
    scene.run_tasks()
    stored = scene.deps.profiles.get(TENANT_ID, profile.id)
    assert stored is not None
    assert (topics_of(scene.deps, "own"), topics_of(scene.deps), stored.topics) == ((), (), ())
    assert scene.fcm.known == set()
    assert [entry.actor for entry in _entries(scene, "topic.deleted")] == [CALL.actor]


def test_deleted_topic_is_gone_at_once_and_its_name_is_free_some_minutes_later() -> None:
    scene = a_scene("news")
    delete_topic(scene.deps, CALL, "news")
    for _ in range(2):
        with pytest.raises(NotFound):
            get_topic(scene.deps, TENANT_ID, "news")
        with pytest.raises(NotFound):
            delete_topic(scene.deps, CALL, "news")
        scene.run_tasks()
    with pytest.raises(Conflict):
        create_topic(scene.deps, CALL, "news", None)
    scene.clock.advance(DELETE_AFTER)
    assert scene.run_tasks() == 1
    create_topic(scene.deps, CALL, "news", "again")
    assert get_topic(scene.deps, TENANT_ID, "news").description == "again"


def test_deletion_of_a_large_topic_goes_on_by_tasks() -> None:
    count = PAGE * PAGES_AT_ONCE + 50
    scene = a_scene("news")
    add_devices(scene.deps, *(a_device(id=f"d{number}", topics=("news",)) for number in range(count)))
    delete_topic(scene.deps, CALL, "news")
    assert scene.deps.subscriptions.count(TENANT_ID, ["news"]) == {"news": 50}
    scene.run_tasks()
    assert scene.deps.subscriptions.count(TENANT_ID, ["news"]) == {"news": 0}
    assert sum(len(entry.resource_ids) for entry in _entries(scene, "device.unsubscribed")) == count


def test_device_that_comes_while_its_topic_is_being_deleted_is_found_before_the_name_is_free() -> None:
    scene = a_scene("news", devices=1)
    delete_topic(scene.deps, CALL, "news")
    scene.run_tasks()
    add_devices(scene.deps, a_device(id="late", topics=("news",)))
    scene.clock.advance(DELETE_AFTER)
    scene.run_tasks()
    assert topics_of(scene.deps, "late") == ()
    create_topic(scene.deps, CALL, "news", None)


def test_deletion_whose_tasks_were_lost_is_ended_by_the_tick() -> None:
    scene = a_scene("news")
    add_devices(scene.deps, *(a_device(id=f"d{number}", topics=("news",)) for number in range(250)))
    scene.tasks.refusing = True
    delete_topic(scene.deps, CALL, "news")
    scene.tasks.refusing = False
    scene.clock.advance(DELETE_AFTER)
    settle_topics(scene.deps, "tick")
    scene.run_tasks()
    assert scene.deps.subscriptions.count(TENANT_ID, ["news"]) == {"news": 0}
    create_topic(scene.deps, CALL, "news", None)


@pytest.mark.parametrize("check", [check_topic_exists, check_topic_not_deleted])
def test_nothing_is_sent_to_a_deleted_topic(check: Check) -> None:
    scene = a_scene("news", "gone")
    delete_topic(scene.deps, CALL, "gone")
    check(scene.deps, TENANT_ID, "news")
    for _ in range(2):
        with pytest.raises(InvalidRequest, match="gone") as refused:
            check(scene.deps, TENANT_ID, "gone", "to.topic")
        assert [error.field for error in refused.value.errors] == ["to.topic"]
        scene.clock.advance(DELETE_AFTER)
        scene.run_tasks()


def test_topic_that_nobody_created_here_is_fcms_own() -> None:
    scene = a_scene()
    check_topic_not_deleted(scene.deps, TENANT_ID, "news")
    with pytest.raises(InvalidRequest, match="names no topic: news"):
        check_topic_exists(scene.deps, TENANT_ID, "news")
