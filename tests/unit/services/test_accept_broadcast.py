"""What goes to an audience, or is fanned out by FCM: nobody is read when it is accepted, and each waits for its turn."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from fanfare.domain.chunk import ChunkKey
from fanfare.domain.errors import IdempotencyMismatch, InvalidRequest
from fanfare.domain.layout import Layout, Source
from fanfare.domain.message import Message, TargetKind
from fanfare.domain.notification import FIRST_CHECK, Counts, NotificationStatus
from fanfare.domain.segment import Segment
from fanfare.domain.send_request import Addressees, SendRequest
from fanfare.domain.target import Target
from fanfare.domain.template import Draft
from fanfare.ports import Deps
from fanfare.services.accept_notification import accept_notification
from fanfare.services.delete_topic import delete_topic
from fanfare.services.segments import create_segment, replace_segment
from fanfare.services.templates import create_template
from fanfare.services.topics import create_topic
from tests.factories import NOW, TENANT_ID, a_call, a_device
from tests.fakes import RecordingTaskQueue, SendTask, fake_deps
from tests.fakes.tasks import FanoutTask
from tests.unit.services.seeding import a_request, add_devices

EVERYONE = Addressees(segment=Segment())
NEWS = Addressees(fanned_out=Target(TargetKind.TOPIC, "news"))
ROUTE = "POST /api/v1/notify/topic/news"


@pytest.fixture
def tasks() -> RecordingTaskQueue:
    return RecordingTaskQueue()


@pytest.fixture
def deps(tasks: RecordingTaskQueue) -> Deps:
    """A topic with a subscriber."""
    deps = fake_deps(tasks=tasks)
    create_topic(deps, a_call(), "news", None)
    add_devices(deps, *(a_device(id=f"device-{number}", topics=("news",)) for number in range(3)))
    return deps


def to_everyone(**fields: Any) -> SendRequest:
    return a_request(EVERYONE, raw={"to": {"everyone": True}, "title": "Order confirmed"}, **fields)


def refused(deps: Deps, request: SendRequest, **named: Any) -> list[str]:
    with pytest.raises(InvalidRequest) as error:
        accept_notification(deps, a_call(), request, **named)
    return [found.field for found in error.value.errors]


def test_broadcast_is_stored_without_reading_a_device_and_handed_to_fanout(deps: Deps, tasks: RecordingTaskQueue) -> None:
    notification = accept_notification(deps, a_call(), to_everyone()).notification
    assert deps.notifications.get(TENANT_ID, notification.id) == notification
    assert (notification.status, notification.layout, notification.chunk_count) == (NotificationStatus.QUEUED, Layout(Source.AUDIENCE), 0)
    assert (notification.counts, notification.next_check_at) == (Counts(), NOW + FIRST_CHECK)
    assert deps.chunks.read_recipients(ChunkKey(TENANT_ID, notification.id, 0)) == ()
    assert tasks.fanouts == [FanoutTask("notification", TENANT_ID, (notification.id,), "request-1")]
    assert tasks.sends == []


def test_broadcast_is_accepted_even_if_the_queue_refuses(deps: Deps, tasks: RecordingTaskQueue) -> None:
    tasks.refusing = True
    notification = accept_notification(deps, a_call(), to_everyone()).notification
    overdue = deps.notifications.find_overdue(NOW + FIRST_CHECK, 10)
    assert [key.notification_id for key in overdue.notifications] == [notification.id]


def test_broadcast_is_repeated_under_its_key(deps: Deps, tasks: RecordingTaskQueue) -> None:
    first = accept_notification(deps, a_call("key"), to_everyone())
    second = accept_notification(deps, a_call("key"), to_everyone())
    assert (first.notification.id, first.replayed, second.replayed) == (second.notification.id, False, True)
    assert len(tasks.fanouts) == 1
    with pytest.raises(IdempotencyMismatch):
        accept_notification(deps, a_call("key"), to_everyone(request_hash="another"))


def test_saved_segment_means_what_it_meant_when_the_request_was_accepted(deps: Deps) -> None:
    saved = create_segment(deps, a_call(), "Beta", Segment(tags=("beta",)))
    request = a_request(Addressees(segment_id=saved.id), raw={"to": {"segment": saved.id}, "title": "Order confirmed"})
    notification = accept_notification(deps, a_call(), request).notification
    replace_segment(deps, a_call(), saved.id, "Beta", Segment(tags=("other",)))
    assert notification.layout == Layout(Source.AUDIENCE)
    assert notification.request["to"] == {"segment": {"tags": ["beta"]}, "segment_id": saved.id}
    assert refused(deps, a_request(Addressees(segment_id="unknown"), raw={"to": {"segment": "unknown"}})) == ["to.segment"]


def test_devices_of_a_topic_are_a_broadcast_that_is_found_by_the_topic(deps: Deps, tasks: RecordingTaskQueue) -> None:
    raw = {"to": {"topic": "news"}, "fanout": "devices", "title": "Order confirmed"}
    request = a_request(Addressees(segment=Segment(topics=("news",))), raw=raw)
    notification = accept_notification(deps, a_call(), request).notification
    assert (notification.topic, notification.layout) == ("news", Layout(Source.AUDIENCE))
    assert len(tasks.fanouts) == 1


def test_fan_out_by_fcm_waits_until_the_one_before_it_is_through(deps: Deps, tasks: RecordingTaskQueue) -> None:
    made = [accept_notification(deps, a_call(), a_request(NEWS)).notification for _ in range(2)]
    later = NOW + timedelta(seconds=1)
    assert [notification.planned_at for notification in made] == [NOW, later]
    assert [notification.next_check_at for notification in made] == [NOW + FIRST_CHECK, later + FIRST_CHECK]
    assert tasks.sends == [
        SendTask(ChunkKey(TENANT_ID, made[0].id, 0), "request-1"),
        SendTask(ChunkKey(TENANT_ID, made[1].id, 0), "request-1", later),
    ]


def test_topic_with_many_subscribers_takes_longer(deps: Deps) -> None:
    deps.subscriptions.count = lambda _, topics: dict.fromkeys(topics, 300_000)  # type: ignore[method-assign]
    accept_notification(deps, a_call(), a_request(NEWS))
    assert accept_notification(deps, a_call(), a_request(NEWS)).notification.planned_at == NOW + timedelta(seconds=30)


def test_topic_that_the_route_names_must_exist_here(deps: Deps) -> None:
    unknown = a_request(Addressees(fanned_out=Target(TargetKind.TOPIC, "unknown")))
    assert refused(deps, unknown, route=ROUTE, topic="unknown") == ["name"]
    accept_notification(deps, a_call(), unknown)


def test_deleted_topic_is_refused_by_whatever_names_it(deps: Deps) -> None:
    delete_topic(deps, a_call(), "news")
    by_device = a_request(Addressees(segment=Segment(topics=("news",))), raw={"to": {"topic": "news"}, "fanout": "devices"})
    condition = a_request(Addressees(fanned_out=Target(TargetKind.CONDITION, "'a' in topics && 'news' in topics")))
    assert refused(deps, a_request(NEWS)) == ["to.topic"]
    assert refused(deps, a_request(NEWS), topic="news") == ["name"]
    assert refused(deps, by_device) == ["to.topic"]
    assert refused(deps, a_request(Addressees(segment=Segment(topics=("other", "news"))))) == ["to.segment.topics"]
    assert refused(deps, condition) == ["to.condition"]


def test_keys_of_one_route_are_not_those_of_another(deps: Deps) -> None:
    first = accept_notification(deps, a_call("key"), a_request(NEWS), route=ROUTE, topic="news").notification
    other = accept_notification(deps, a_call("key"), a_request(NEWS)).notification
    again = accept_notification(deps, a_call("key"), a_request(NEWS), route=ROUTE, topic="news")
    assert first.id != other.id
    assert (again.notification.id, again.replayed) == (first.id, True)


def test_answer_stands_though_its_topic_was_deleted_meanwhile(deps: Deps) -> None:
    first = accept_notification(deps, a_call("key"), a_request(NEWS), route=ROUTE, topic="news").notification
    delete_topic(deps, a_call(), "news")
    again = accept_notification(deps, a_call("key"), a_request(NEWS), route=ROUTE, topic="news")
    assert (again.notification.id, again.replayed) == (first.id, True)


def test_template_that_names_people_must_have_room_for_the_longest_name(deps: Deps) -> None:
    def said(characters: int) -> SendRequest:
        create_template(deps, a_call(), f"hello-{characters}", Draft(message={"title": "Hello {{username}}", "body": "x" * characters}))
        return a_request(EVERYONE, template=f"hello-{characters}", message=Message(), raw={"to": {"everyone": True}})

    assert accept_notification(deps, a_call(), said(3_600)).notification.wording is not None
    assert set(refused(deps, said(3_850))) == {"body"}
