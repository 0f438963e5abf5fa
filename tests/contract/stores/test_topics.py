"""Topics over each kind of store."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest

from fanfare.domain.audit import trail
from fanfare.domain.filters import AuditFilter
from fanfare.domain.topic import DELETE_AFTER, Topic, TopicState, begin_deletion, end_deletion
from tests.contract.stores.racing import race
from tests.contract.stores.real import Stores
from tests.factories import NOW, a_call

CREATED = trail("topic.created", a_call().actor, NOW)


def _create(stores: Stores, *names: str, tenant: str = "acme", description: str | None = None) -> None:
    for name in names:
        assert stores.topics.create(tenant, Topic(name, created_at=NOW, updated_at=NOW, description=description), CREATED)


def _delete(stores: Stores, name: str, tenant: str = "acme", after: timedelta = timedelta(0)) -> None:
    assert stores.topics.update(tenant, name, partial(begin_deletion, now=NOW + after)) is not None


@pytest.mark.parametrize("name", ["weather-alerts", "a.b~c%20d_e", "%", "x" * 900])
def test_topic_is_found_as_it_was_created(stores: Stores, tenant: str, name: str) -> None:
    _create(stores, name, description="Storms and floods")
    assert stores.topics.get(tenant, name) == Topic(name, created_at=NOW, updated_at=NOW, description="Storms and floods")
    assert [stored.entry.resource_ids for stored in stores.audit.list(tenant, AuditFilter(action="topic.created"), 10, None).items] == [(name,)]


def test_a_name_is_taken_once(stores: Stores, tenant: str) -> None:
    topics = [Topic("news", created_at=NOW, updated_at=NOW, description=str(number)) for number in range(4)]
    assert sorted(race([partial(stores.topics.create, tenant, topic, CREATED) for topic in topics])) == [False, False, False, True]
    assert len(stores.audit.list(tenant, AuditFilter(action="topic.created"), 10, None).items) == 1


@pytest.mark.parametrize("name", ["nobody-made-it", "..", "a/b", "", "__x__", "x" * 2000, "topics/news"])
def test_what_is_no_topic_is_not_found(stores: Stores, tenant: str, name: str) -> None:
    assert stores.topics.get(tenant, name) is None
    assert stores.topics.update(tenant, name, lambda topic: topic) is None


def test_topics_of_another_tenant_are_not_found(stores: Stores, tenant: str, other_tenant: str) -> None:
    _create(stores, "news", tenant=tenant)
    assert stores.topics.get(other_tenant, "news") is None
    assert list(stores.topics.list(other_tenant, None, 10, None).items) == []


def test_list_shows_active_topics_by_name_page_by_page(stores: Stores, tenant: str) -> None:
    _create(stores, "news.b", "news.a", "news.c", "sport", "gone")
    _delete(stores, "gone")
    page = stores.topics.list(tenant, None, 3, None)
    assert [topic.name for topic in page.items] == ["news.a", "news.b", "news.c"]
    assert [topic.name for topic in stores.topics.list(tenant, None, 3, page.next_after).items] == ["sport"]
    assert [topic.name for topic in stores.topics.list(tenant, "news.", 10, None).items] == ["news.a", "news.b", "news.c"]
    assert [topic.name for topic in stores.topics.list(tenant, "g", 10, None).items] == []


def test_deletion_goes_through_its_states_and_leaves_the_name(stores: Stores, tenant: str) -> None:
    _create(stores, "news")
    _delete(stores, "news")
    assert [topic.name for topic in stores.topics.list_deleting(tenant, 10)] == ["news"]
    ended = stores.topics.update(tenant, "news", partial(end_deletion, now=NOW + DELETE_AFTER))
    assert ended is not None
    assert ended.state is TopicState.DELETED
    assert stores.topics.get(tenant, "news") == ended
    assert list(stores.topics.list_deleting(tenant, 10)) == []


def test_decision_that_leaves_a_topic_writes_nothing(stores: Stores, tenant: str) -> None:
    _create(stores, "news")
    assert stores.topics.update(tenant, "news", lambda _: None, trail("topic.deleted", a_call().actor, NOW)) == stores.topics.get(tenant, "news")
    assert len(stores.audit.list(tenant, AuditFilter(), 10, None).items) == 1


def test_due_deletions_are_found_in_all_tenants(stores: Stores, tenant: str, other_tenant: str) -> None:
    _create(stores, "a", "b", "c", tenant=tenant)
    _create(stores, "d", tenant=other_tenant)
    _delete(stores, "a", after=timedelta(seconds=2))
    _delete(stores, "b", after=timedelta(seconds=3))
    _delete(stores, "d", tenant=other_tenant, after=timedelta(seconds=1))
    assert list(stores.topics.find_deleting(NOW + DELETE_AFTER, 10)) == []
    assert list(stores.topics.find_deleting(NOW + DELETE_AFTER + timedelta(seconds=1), 10)) == [other_tenant]
    assert sorted(stores.topics.find_deleting(NOW + DELETE_AFTER + timedelta(seconds=9), 10)) == [tenant, other_tenant]
