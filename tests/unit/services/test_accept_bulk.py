"""Accepting a request to send to many: everybody in chunks, each device once, wrong items refused or skipped, repeats."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from fanfare.domain.audit import AuditEntry
from fanfare.domain.bulk import MOST_TEMPLATES, BulkRequest, OnInvalid, WrongItem
from fanfare.domain.errors import FieldError, IdempotencyMismatch, InvalidRequest
from fanfare.domain.filters import NotificationFilter
from fanfare.domain.layout import Layout, Source
from fanfare.domain.message import Platform, TargetKind
from fanfare.domain.notification import FIRST_CHECK, Counts, NotificationStatus, StatusReason
from fanfare.domain.segment import Segment
from fanfare.domain.send_request import Addressees, RawTarget
from fanfare.domain.target import Target
from fanfare.domain.template import Template
from fanfare.ports import Deps
from fanfare.services import resolve_bulk
from fanfare.services.accept_bulk import ACCEPTING_FOR, ROUTE, accept_bulk
from fanfare.services.new_notification import notification_id_of
from tests.factories import NOW, TENANT_ID, a_call, a_device
from tests.fakes import FixedClock, RecordingTaskQueue, fake_deps
from tests.fakes.tasks import FanoutTask
from tests.templates import a_template
from tests.unit.services.bulk import a_message, chunks_of, messages, one_message, to_users, told
from tests.unit.services.seeding import add_devices, add_profile, device_of

SKIP = OnInvalid.SKIP
AUDITED = AuditEntry("template.created", a_call().actor, NOW)
WRONG = WrongItem("invalid_request", "title: is missing", (FieldError("title", "is missing"),))


@pytest.fixture
def tasks() -> RecordingTaskQueue:
    return RecordingTaskQueue()


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def deps(tasks: RecordingTaskQueue, clock: FixedClock) -> Deps:
    """Three people; Alice has two devices, one of which she shares with Bob."""
    deps = fake_deps(tasks=tasks, clock=clock)
    alice, bob, carol = (add_profile(deps, name, username=name) for name in ("alice", "bob", "carol"))
    add_devices(deps, device_of(alice, id="a1"), device_of(alice, bob, id="ab"), device_of(bob, id="b1"), device_of(carol, id="c1"))
    return deps


def _add_template(deps: Deps, template: Template) -> None:
    assert deps.templates.create(TENANT_ID, template, lambda *_: AUDITED)


def _refusal(deps: Deps, request: BulkRequest) -> list[tuple[str, str]]:
    with pytest.raises(InvalidRequest) as refused:
        accept_bulk(deps, a_call(), request)
    return [(error.field, error.message) for error in refused.value.errors]


def test_messages_are_stored_with_their_rows_before_anything_is_sent(deps: Deps, tasks: RecordingTaskQueue) -> None:
    request = messages(a_message(to_users("alice"), raw={"title": "For Alice"}), a_message(to_users("carol"), raw={"title": "For Carol"}))
    accepted = accept_bulk(deps, a_call(), request)
    notification = accepted.notification
    assert deps.notifications.get(TENANT_ID, notification.id) == notification
    assert chunks_of(deps, notification.id) == [["a1", "ab", "c1"]]
    assert told(deps, notification.id) == {"a1": {"title": "For Alice"}, "ab": {"title": "For Alice"}, "c1": {"title": "For Carol"}}
    assert (notification.status, notification.counts) == (NotificationStatus.QUEUED, Counts(3, unsent=3))
    assert (notification.chunk_count, notification.layout) == (1, Layout(Source.RECIPIENTS, stages=(1,)))
    assert (notification.next_check_at, notification.usernames) == (NOW + FIRST_CHECK, ("alice", "carol"))
    assert notification.request == {"messages": 2, "accepted": 2}
    assert (accepted.refused, accepted.replayed) == ({}, False)
    assert tasks.fanouts == [FanoutTask("notification", TENANT_ID, (notification.id,), "request-1")]
    assert tasks.sends == []


def test_one_message_for_all_reaches_each_device_once_and_is_stored_once(deps: Deps) -> None:
    notification = accept_bulk(deps, a_call(), one_message(to_users("alice", "bob", "nobody"))).notification
    assert sorted(chunks_of(deps, notification.id)[0]) == ["a1", "ab", "b1"]
    assert told(deps, notification.id) == {}
    assert (notification.message.title, notification.request) == ("Order confirmed", {"title": "Order confirmed", "accepted": 3})


def test_row_carries_the_username_that_it_was_addressed_by(deps: Deps) -> None:
    notification = accept_bulk(deps, a_call(), messages(a_message(to_users("bob")))).notification
    assert {row.username for row in deps.recipients.read_all(TENANT_ID, notification.id)[0]} == {"bob"}


def test_many_recipients_stand_in_chunks_of_five_hundred(deps: Deps) -> None:
    targets = tuple(RawTarget(Target(TargetKind.TOKEN, f"token-{number}"), Platform.ANDROID) for number in range(1_203))
    notification = accept_bulk(deps, a_call(), one_message(Addressees(targets=targets))).notification
    assert [len(chunk) for chunk in chunks_of(deps, notification.id)] == [500, 500, 203]
    assert notification.layout == Layout(Source.RECIPIENTS, stages=(3,))
    assert notification.counts == Counts(1_203, unsent=1_203)


def test_item_is_narrowed_by_its_own_filter_and_devices_that_are_inactive_are_left_out(deps: Deps) -> None:
    add_devices(deps, a_device(id="web", platform=Platform.WEB), a_device(id="off", active=False))
    only = Segment(platform=(Platform.WEB,))
    device_ids = Addressees(device_ids=("web", "a1", "off", "unknown"))
    raw = Addressees(targets=tuple(RawTarget(Target(TargetKind.FID, name), Platform(name)) for name in ("ios", "web")))
    notification = accept_bulk(deps, a_call(), messages(a_message(device_ids, only=only), a_message(raw, only=only))).notification
    rows = deps.recipients.read_all(TENANT_ID, notification.id)[0]
    assert [(row.device_id == "web", row.target.value) for row in rows] == [(True, "APA91b:token-web"), (False, "web")]


def test_nobody_reached_is_accepted_and_over(deps: Deps, tasks: RecordingTaskQueue) -> None:
    notification = accept_bulk(deps, a_call(), messages(a_message(to_users("nobody")))).notification
    stored = deps.notifications.get(TENANT_ID, notification.id)
    assert stored == notification
    assert (notification.status, notification.status_reason) == (NotificationStatus.COMPLETED, StatusReason.NO_RECIPIENTS)
    assert (notification.counts, notification.chunk_count, notification.layout) == (Counts(), 0, None)
    assert (notification.request, tasks.fanouts) == ({"messages": 1, "accepted": 1}, [])


def test_life_of_the_notification_is_the_longest_of_its_messages(deps: Deps) -> None:
    items = [a_message(to_users(name), raw={"title": "Hello", "ttl_seconds": ttl}) for name, ttl in (("alice", 60), ("carol", 3_600))]
    notification = accept_bulk(deps, a_call(), messages(*items)).notification
    rows = {row.device_id: row.content for row in deps.recipients.read_all(TENANT_ID, notification.id)[0]}
    assert notification.ttl_seconds == 3_600
    assert [content and content.ttl_seconds for content in (rows["a1"], rows["c1"])] == [60, 3_600]


# Wrong items


def test_wrong_item_refuses_the_whole_request_and_nothing_is_stored(deps: Deps, tasks: RecordingTaskQueue) -> None:
    request = messages(a_message(to_users("alice")), a_message(to_users("carol"), raw={}), a_message(to_users("bob"), template="unknown"))
    assert _refusal(deps, request) == [
        ("messages.1.title", "is missing: give a title, a body or data, or make the message silent"),
        ("messages.2.template", "names no template"),
    ]
    assert deps.notifications.list(TENANT_ID, NotificationFilter(), 10, None).items == []
    assert tasks.fanouts == []


def test_wrong_items_are_skipped_where_the_request_says_so(deps: Deps) -> None:
    request = messages(a_message(to_users("alice")), a_message(to_users("carol"), raw={}), on_invalid=SKIP, size=3, refused={2: WRONG})
    accepted = accept_bulk(deps, a_call(), request)
    assert chunks_of(deps, accepted.notification.id) == [["a1", "ab"]]
    assert {index: item.code for index, item in accepted.refused.items()} == {1: "invalid_request", 2: "invalid_request"}
    assert accepted.notification.request == {"messages": 2, "accepted": 1, "refused": {"invalid_request": [1, 2]}}


def test_item_that_reaches_a_device_of_an_earlier_one_is_wrong(deps: Deps) -> None:
    request = messages(a_message(to_users("alice")), a_message(to_users("bob")), a_message(to_users("carol")))
    assert _refusal(deps, request) == [("messages.1.to", "reaches a device that messages.0 reaches already")]
    accepted = accept_bulk(deps, a_call(), replace(request, on_invalid=SKIP))
    assert chunks_of(deps, accepted.notification.id) == [["a1", "ab", "c1"]]
    assert accepted.refused[1].code == "duplicate_recipient"


def test_request_whose_items_are_all_wrong_is_refused_even_if_wrong_ones_are_skipped(deps: Deps) -> None:
    assert _refusal(deps, messages(a_message(to_users("alice"), raw={}), on_invalid=SKIP, size=2, refused={1: WRONG})) == [
        ("messages.0.title", "is missing: give a title, a body or data, or make the message silent"),
        ("messages.1.title", "is missing"),
    ]


def test_wrong_addressee_of_one_message_is_named_or_skipped(deps: Deps) -> None:
    wrong = WrongItem("invalid_request", "is none", (FieldError("", "is none"),))
    request = one_message(to_users("alice"), size=2, refused={1: wrong})
    assert _refusal(deps, request) == [("to.usernames.1", "is none")]
    accepted = accept_bulk(deps, a_call(), replace(request, on_invalid=SKIP))
    assert (chunks_of(deps, accepted.notification.id), accepted.refused) == ([["a1", "ab"]], {1: wrong})


def test_one_message_that_is_wrong_is_refused_by_its_own_fields(deps: Deps) -> None:
    assert _refusal(deps, one_message(to_users("alice"), item={"template": "unknown"})) == [("template", "names no template")]


def test_request_that_reaches_too_many_devices_is_refused(deps: Deps, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolve_bulk, "MOST_REACHED", 3)
    assert len(chunks_of(deps, accept_bulk(deps, a_call(), one_message(to_users("alice", "bob"))).notification.id)[0]) == 3
    for request in (
        one_message(to_users("alice", "bob", "carol")),
        one_message(Addressees(device_ids=("a", "b", "c", "d"))),
        one_message(Addressees(targets=tuple(RawTarget(Target(TargetKind.TOKEN, name), Platform.IOS) for name in "abcd"))),
    ):
        assert _refusal(deps, request) == [("to.usernames", "reach more than 3 devices; send to fewer at once")]


# Templates


def test_messages_of_one_template_share_it_and_have_values_of_their_own(deps: Deps) -> None:
    _add_template(deps, a_template(name="order", message={"title": "Order {{order}}"}))
    items = [a_message(to_users(name), raw={}, template="order", variables={"order": name, "more": 1}) for name in ("alice", "carol")]
    notification = accept_bulk(deps, a_call(), messages(*items)).notification
    wordings = [row.content.wording for row in deps.recipients.read_all(TENANT_ID, notification.id)[0] if row.content and row.content.wording]
    assert [wording.variables for wording in wordings] == [{"order": "alice"}, {"order": "alice"}, {"order": "carol"}]
    assert len({id(wording.message) for wording in wordings}) == 1
    assert notification.template == "order"


def test_notification_of_several_templates_names_none(deps: Deps) -> None:
    for name in ("order", "invoice"):
        _add_template(deps, a_template(name=name, message={"title": name}))
    items = [a_message(to_users("alice"), raw={}, template="order"), a_message(to_users("carol"), raw={}, template="invoice")]
    assert accept_bulk(deps, a_call(), messages(*items)).notification.template is None
    plain = a_message(to_users("alice")), a_message(to_users("carol"), raw={}, template="order")
    assert accept_bulk(deps, a_call(), messages(*plain)).notification.template is None


@pytest.mark.parametrize(
    ("message", "variables", "expected"),
    [
        ({"title": "Order {{order}}"}, {}, ("messages.0.variables.order", "is missing: the template names it and has no default for it")),
        ({"title": "{{order}}"}, {"order": ""}, ("messages.0.title", "is missing: give a title, a body or data, or make the message silent")),
        ({"title": "Hi", "image_url": "{{order}}"}, {"order": "no address"}, None),
        ({"body": "{{order}}"}, {"order": "x" * 4_000}, None),
    ],
)
def test_values_are_checked_for_each_message(
    deps: Deps, message: dict[str, str], variables: dict[str, str], expected: tuple[str, str] | None
) -> None:
    _add_template(deps, a_template(name="order", message=message))
    good = a_message(to_users("carol"), raw={}, template="order", variables={"order": "https://example.com/1.png"})
    found = _refusal(deps, messages(a_message(to_users("alice"), raw={}, template="order", variables=variables), good))
    assert found == [expected] if expected else all(field.startswith("messages.0.") for field, _ in found)


def test_what_a_template_says_in_a_language_is_checked_for_those_whom_it_reaches(deps: Deps) -> None:
    template = a_template(name="order", message={"title": "Order"}, locales={"sw": {"body": "{{order}}" * 3}})
    _add_template(deps, template)
    dave = add_profile(deps, "dave", username="dave")
    add_devices(deps, device_of(dave, id="d1", locale="sw-KE"))
    long = {"order": "x" * 1_500}
    items = [a_message(to_users(name), raw={}, template="order", variables=long) for name in ("carol", "dave")]
    accepted = accept_bulk(deps, a_call(), messages(*items, on_invalid=SKIP))
    assert chunks_of(deps, accepted.notification.id) == [["c1"]], "Carol's device speaks no Swahili"
    assert [error.field for error in accepted.refused[1].errors] == ["body"]


def test_switched_off_template_is_wrong_by_a_code_of_its_own(deps: Deps) -> None:
    _add_template(deps, a_template(name="order", active=False))
    off, good = a_message(to_users("alice"), raw={}, template="order"), a_message(to_users("carol"))
    assert _refusal(deps, messages(off, good)) == [("messages.0.template", "The template is switched off.")]
    assert accept_bulk(deps, a_call(), messages(off, good, on_invalid=SKIP)).refused[0].code == "template_inactive"


def test_too_many_templates_are_refused(deps: Deps) -> None:
    items = [a_message(to_users("alice"), raw={}, template=f"t{number}") for number in range(MOST_TEMPLATES + 1)]
    assert _refusal(deps, messages(*items)) == [("messages", f"name more than {MOST_TEMPLATES} templates")]


def test_message_that_says_too_much_is_refused(deps: Deps) -> None:
    headers = {f"h{number}": "x" * 1_000 for number in range(70)}
    item = a_message(to_users("alice"), raw={"title": "Hello", "webpush": {"headers": headers}})
    assert _refusal(deps, messages(item)) == [("messages.0", "has more than 65536 bytes")]


# Repeats


def test_repeat_is_answered_as_the_first_request_was(deps: Deps, tasks: RecordingTaskQueue) -> None:
    request = messages(a_message(to_users("alice")), on_invalid=SKIP, size=2, refused={1: WRONG})
    first = accept_bulk(deps, a_call("key"), request)
    again = accept_bulk(deps, a_call("key"), request)
    assert (again.notification, again.refused, again.replayed) == (first.notification, {1: WRONG}, True)
    assert chunks_of(deps, first.notification.id) == [["a1", "ab"]]
    assert len(tasks.fanouts) == 1


def test_repeat_of_what_is_refused_now_is_answered_as_the_first_request_was(deps: Deps) -> None:
    _add_template(deps, a_template(name="order", message={"title": "Order"}))
    request = messages(a_message(to_users("alice"), raw={}, template="order"))
    accept_bulk(deps, a_call("key"), request)
    deps.templates.delete(TENANT_ID, "order", lambda *_: AUDITED)
    assert accept_bulk(deps, a_call("key"), request).replayed


@pytest.mark.parametrize("status", [NotificationStatus.ACCEPTING, NotificationStatus.COMPLETED])
def test_another_request_of_the_same_key_is_refused(deps: Deps, status: NotificationStatus) -> None:
    accepted = accept_bulk(deps, a_call(), one_message(to_users("alice"))).notification
    call = a_call("key")
    stored = replace(accepted, id=notification_id_of(deps, call, ROUTE), status=status, request_hash="another")
    deps.notifications.accept(stored, ())
    with pytest.raises(IdempotencyMismatch):
        accept_bulk(deps, call, messages(a_message(to_users("alice"))))
    assert deps.notifications.get(TENANT_ID, stored.id) == stored


def test_request_that_was_cancelled_while_it_was_accepted_stays_cancelled(deps: Deps, tasks: RecordingTaskQueue) -> None:
    accepted = accept_bulk(deps, a_call(), one_message(to_users("alice"))).notification
    tasks.fanouts.clear()
    cancelled = replace(accepted, id=notification_id_of(deps, a_call("key"), ROUTE), status=NotificationStatus.CANCELLED)
    deps.notifications.accept(cancelled, ())
    again = accept_bulk(deps, a_call("key"), one_message(to_users("alice")))
    assert (again.notification.status, again.replayed, tasks.fanouts) == (NotificationStatus.CANCELLED, True, [])


def test_repeat_packs_nobody_again_who_stands_in_a_stored_chunk(deps: Deps, clock: FixedClock) -> None:
    """A device was registered meanwhile, another one got a new target, and a third one's target belongs to a new device."""
    call = a_call("key")
    first = accept_bulk(deps, a_call(), one_message(to_users("alice", "bob"))).notification
    begun = replace(first, id=notification_id_of(deps, call, ROUTE), status=NotificationStatus.ACCEPTING, chunk_count=0, counts=Counts(), layout=None)
    deps.notifications.accept(replace(begun, next_check_at=NOW + ACCEPTING_FOR), ())
    rows = {row.device_id: row for row in deps.recipients.read_all(TENANT_ID, first.id)[0]}
    old = Target(TargetKind.TOKEN, "old")
    taken = rows["b1"]._replace(device_id="gone")
    deps.recipients.append(TENANT_ID, begun.id, 0, [[rows["a1"]._replace(target=old)], [taken]])
    clock.advance(timedelta(minutes=5))
    accepted = accept_bulk(deps, call, one_message(to_users("alice", "bob")))
    assert chunks_of(deps, begun.id) == [["a1"], ["gone"], ["ab"]]
    notification = accepted.notification
    assert (notification.counts, notification.chunk_count, accepted.replayed) == (Counts(3, unsent=3), 3, False)
    assert (notification.created_at, notification.planned_at) == (NOW, NOW + timedelta(minutes=5)), "nobody's message has lived in vain"


def test_repeat_that_reaches_nobody_any_more_is_over(deps: Deps, tasks: RecordingTaskQueue) -> None:
    call = a_call("key")
    accepted = accept_bulk(deps, a_call(), one_message(to_users("alice"))).notification
    tasks.fanouts.clear()
    begun = replace(accepted, id=notification_id_of(deps, call, ROUTE), status=NotificationStatus.ACCEPTING, chunk_count=0, layout=None)
    deps.notifications.accept(begun, ())
    over = accept_bulk(deps, call, one_message(to_users("nobody"))).notification
    assert (over.status, over.status_reason, over.chunk_count, over.next_check_at) == (
        NotificationStatus.COMPLETED,
        StatusReason.NO_RECIPIENTS,
        0,
        None,
    )
    assert (deps.notifications.get(TENANT_ID, over.id), tasks.fanouts) == (over, [])


def test_stages_of_a_ramp_are_laid_out(deps: Deps) -> None:
    targets = tuple(RawTarget(Target(TargetKind.TOKEN, f"token-{number}"), Platform.ANDROID) for number in range(2_000))
    request = one_message(Addressees(targets=targets), raw={"title": "Hello", "ramp": [1, 50, 100]})
    assert accept_bulk(deps, a_call(), request).notification.layout == Layout(Source.RECIPIENTS, stages=(1, 2, 4))
