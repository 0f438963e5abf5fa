"""Who is subscribed, and what FCM may not know of it, over each kind of store."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from fanfare.domain.device import Device, InactiveReason
from fanfare.domain.following import follow_topic
from fanfare.domain.registration import RegistrationPlan, deactivate, retarget
from fanfare.domain.subscribing import join_topic, leave_topic, postpone
from fanfare.domain.topic_sync import TopicSync
from tests.contract.stores.racing import race
from tests.contract.stores.real import Stores
from tests.factories import NOW, a_device, a_profile, a_token, an_owner

LONG_AFTER = NOW.replace(year=2100)


def _save(stores: Stores, *devices: Device, tenant: str = "acme") -> None:
    assert stores.devices.save(tenant, [RegistrationPlan(device) for device in devices])


def _device(stores: Stores, device_id: str = "device-1", tenant: str = "acme") -> Device:
    return stores.devices.get(tenant, [device_id])[0]


def _sync(stores: Stores, device_id: str = "device-1") -> TopicSync:
    return _device(stores, device_id).topic_sync


def _clear(stores: Stores, *device_ids: str) -> None:
    stores.subscriptions.note("acme", device_ids, lambda device: replace(device, topic_sync=TopicSync()))


def test_everything_of_topics_is_found_as_it_was_stored(stores: Stores, tenant: str) -> None:
    owner = an_owner(topics=("news", "sport"))
    _save(stores, a_device(owners=(owner,), topics=("news", "sport", "x" * 900)))
    noted = TopicSync(("news", "sport"), ("news",), NOW, 3, (("x" * 900, "FAILED_PRECONDITION"),))
    stores.subscriptions.note(tenant, ["device-1"], lambda device: replace(device, topic_sync=noted))
    stored = _device(stores)
    assert (stored.topics, stored.owners[0].topics, stored.topic_sync) == (("news", "sport", "x" * 900), ("news", "sport"), noted)


def test_change_and_what_is_pending_by_it_are_one_commit(stores: Stores, tenant: str) -> None:
    _save(stores, a_device())
    assert _sync(stores) == TopicSync()
    stores.devices.update(tenant, "device-1", lambda device: join_topic(device, "news"))
    assert _sync(stores).pending == ("news",)
    assert isinstance(_sync(stores).check_at, datetime)


def test_every_kind_of_write_notes_what_is_pending(stores: Stores, tenant: str) -> None:
    _save(stores, a_device(id="d1", topics=("news",)), a_device(id="d2", topics=("news",)))
    _clear(stores, "d1", "d2")
    stores.devices.update_many(tenant, ["d1"], lambda device: deactivate(device, InactiveReason.DEACTIVATED, NOW))
    stores.devices.update(tenant, "d2", lambda device: retarget(device, a_token("fresh"), NOW))
    assert _sync(stores, "d1").pending == ("news",)
    assert _sync(stores, "d2").pending == ("news",)


def test_noting_is_no_change_of_the_device(stores: Stores, tenant: str) -> None:
    _save(stores, a_device(topics=("news",)))
    before = _device(stores)
    (noted,) = stores.subscriptions.note(tenant, ["device-1", "unknown", "device-1"], lambda device: replace(device, topic_sync=TopicSync()))
    assert noted.topic_sync == TopicSync()
    assert _device(stores) == replace(before, topic_sync=TopicSync())


def test_noting_nothing_shows_what_is_stored(stores: Stores, tenant: str) -> None:
    _save(stores, a_device(topics=("news",)))
    assert stores.subscriptions.note(tenant, ["device-1"], lambda _: None) == [_device(stores)]
    assert stores.subscriptions.note(tenant, [], lambda _: None) == []


def test_notes_and_changes_at_once_lose_nothing(stores: Stores, tenant: str) -> None:
    ids = [f"d{number}" for number in range(4)]
    _save(stores, *(a_device(id=name) for name in ids))

    def count(device: Device) -> Device:
        return replace(device, topic_sync=replace(device.topic_sync, attempt=device.topic_sync.attempt + 1))

    topics = [f"t{number}" for number in range(3)]
    race(
        [
            *(lambda: stores.subscriptions.note(tenant, ids, count) for _ in range(2)),
            *(lambda topic=topic: stores.devices.update_many(tenant, ids, lambda device: join_topic(device, topic)) for topic in topics),  # type: ignore[misc]
        ]
    )
    for name in ids:
        assert _device(stores, name).topics == tuple(topics)
        assert _sync(stores, name).pending == tuple(topics)


def test_active_devices_are_counted_by_topic(stores: Stores, tenant: str, other_tenant: str) -> None:
    inactive = deactivate(a_device(id="d3", topics=("news",)), InactiveReason.DELETED, NOW)
    _save(stores, a_device(id="d1", topics=("news", "sport")), a_device(id="d2", topics=("news",)), inactive)
    _save(stores, a_device(id="d4", topics=("news",)), tenant=other_tenant)
    assert stores.subscriptions.count(tenant, ["news", "sport", "nobody"]) == {"news": 2, "sport": 1, "nobody": 0}
    assert stores.subscriptions.count(other_tenant, ["news"]) == {"news": 1}


def test_subscribers_of_a_topic_are_found(stores: Stores, tenant: str, other_tenant: str) -> None:
    inactive = deactivate(a_device(id="d2", topics=("news",)), InactiveReason.DELETED, NOW)
    _save(stores, a_device(id="d1", topics=("news",)), inactive, a_device(id="d3"))
    _save(stores, a_device(id="d4", topics=("news",)), tenant=other_tenant)
    for name in ("p1", "p2"):
        stores.profiles.create(tenant, a_profile(id=name))
    stores.profiles.update_many(tenant, ["p2", "unknown"], lambda profile: follow_topic(profile, "news", NOW))
    assert sorted(stores.subscriptions.find_devices(tenant, "news", 10)) == ["d1", "d2"]
    assert len(stores.subscriptions.find_devices(tenant, "news", 1)) == 1
    assert stores.subscriptions.find_profiles(tenant, "news", 10) == ["p2"]


def test_devices_of_profiles_are_paged_each_once(stores: Stores, tenant: str) -> None:
    both = (an_owner("p1"), an_owner("p2"))
    deleted = deactivate(a_device(id="d2", owners=(an_owner("p1"),)), InactiveReason.DELETED, NOW)
    _save(stores, a_device(id="d1", owners=both), deleted, a_device(id="d3", owners=(an_owner("p2"),)), a_device(id="d4", owners=(an_owner("p3"),)))
    page = stores.subscriptions.list_of_profiles(tenant, ["p1", "p2"], 2, None)
    rest = stores.subscriptions.list_of_profiles(tenant, ["p1", "p2"], 2, page.next_after)
    assert [device.id for device in (*page.items, *rest.items)] == ["d1", "d2", "d3"]
    assert rest.next_after is None


def test_overdue_devices_are_found_in_all_tenants_the_longest_overdue_first(stores: Stores, tenant: str, other_tenant: str) -> None:
    for name, owner, wait in (("d1", tenant, 3), ("d2", other_tenant, 1), ("d3", tenant, 2), ("d4", tenant, None)):
        _save(stores, a_device(id=name, topics=("news",) if wait else ()), tenant=owner)
        at = NOW + timedelta(seconds=wait or 0)
        stores.subscriptions.note(owner, [name], lambda device, at=at: postpone(device, at))  # type: ignore[misc]
    assert stores.subscriptions.find_unsynced(NOW + timedelta(seconds=2), 10) == [(other_tenant, "d2"), (tenant, "d3")]
    assert stores.subscriptions.find_unsynced(LONG_AFTER, 1) == [(other_tenant, "d2")]
    stores.devices.erase(tenant, ["d1"])
    assert [place[1] for place in stores.subscriptions.find_unsynced(LONG_AFTER, 10)] == ["d2", "d3"]


def test_profiles_whose_devices_are_untold_are_found(stores: Stores, tenant: str, other_tenant: str) -> None:
    for owner, name, wait in ((tenant, "p1", 2), (other_tenant, "p2", 1)):
        stores.profiles.create(owner, a_profile(id=name))
        at = NOW + timedelta(seconds=wait)
        stores.profiles.update(owner, name, lambda profile, at=at: replace(profile, topics=("news",), topics_check_at=at))  # type: ignore[misc]
    stored = stores.profiles.get(tenant, "p1")
    assert stored is not None
    assert (stored.topics, stored.topics_check_at) == (("news",), NOW + timedelta(seconds=2))
    assert stores.subscriptions.find_untold(NOW, 10) == []
    assert stores.subscriptions.find_untold(LONG_AFTER, 10) == [(other_tenant, "p2"), (tenant, "p1")]


def test_profiles_are_changed_together_and_each_once(stores: Stores, tenant: str) -> None:
    for name in ("p1", "p2", "p3"):
        stores.profiles.create(tenant, a_profile(id=name))
    topics = [f"t{number}" for number in range(4)]

    def follow(topic: str) -> Any:
        return stores.profiles.update_many(tenant, ["p1", "p2", "p3"], lambda profile: follow_topic(profile, topic, NOW))

    assert race([lambda topic=topic: follow(topic) for topic in topics]) == [["p1", "p2", "p3"]] * 4  # type: ignore[misc]
    assert [profile.topics for profile in stores.profiles.get_many(tenant, ["p1", "p2", "p3"])] == [tuple(topics)] * 3
    assert follow("t1") == []


def test_devices_with_very_many_topics_are_changed_in_several_commits(stores: Stores, tenant: str) -> None:
    topics = tuple(f"{number:04}" + "x" * 36 for number in range(1_000))
    ids = [f"d{number}" for number in range(40)]
    for name in ids:
        _save(stores, a_device(id=name, topics=topics))
    changed = stores.devices.update_many(tenant, ids, lambda device: leave_topic(device, topics[0]))
    assert list(changed) == ids
    assert {len(device.topics) for device in stores.devices.get(tenant, ids)} == {999}
    assert len(stores.subscriptions.note(tenant, ids, lambda device: replace(device, topic_sync=TopicSync()))) == 40
