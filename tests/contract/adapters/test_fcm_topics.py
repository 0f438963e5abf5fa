"""FCM's topic subscriptions through the adapter, against the simulator over HTTP/2 and against servers that misbehave."""

from __future__ import annotations

from collections.abc import Iterable
from time import monotonic

import pytest

from fanfare.adapters.fcm_credentials import FcmCredentials
from fanfare.adapters.fcm_lane import STREAMS, FcmEndpoint
from fanfare.adapters.fcm_topics import FcmTopicSubscriber
from fanfare.adapters.system import SystemClock
from fanfare.domain.classification import Answer
from fanfare.domain.errors import CredentialRefused
from fanfare.domain.message import TargetKind
from fanfare.domain.subscribing import Subscription
from fanfare.domain.subscription_answer import DONE, SyncAction, judge
from fanfare.domain.target import Target
from fanfare.domain.tenant import Tenant
from fanfare.domain.topic_pace import CALLS_AT_ONCE, PER_SECOND
from tests.contract.adapters.scripted import SilentServer
from tests.contract.adapters.simulator import Simulator
from tests.factories import a_tenant
from tests.fakes import FixedClock


@pytest.fixture
def subscriber(endpoint: FcmEndpoint, credentials: FcmCredentials, clock: FixedClock) -> FcmTopicSubscriber:
    """A fresh one, whose clock stands still."""
    return FcmTopicSubscriber(endpoint, credentials, clock)


def _subscription(target: str, topic: str = "news", *, subscribed: bool = True) -> Subscription:
    return Subscription(f"device-of-{target}", Target(TargetKind.TOKEN, target), topic, subscribed)


def _tell(subscriber: FcmTopicSubscriber, tenant: Tenant, subscriptions: Iterable[Subscription]) -> dict[Subscription, Answer]:
    answers: dict[Subscription, Answer] = {}
    for batch in subscriber.tell(tenant, list(subscriptions)):
        for subscription, answer in batch:
            assert subscription not in answers
            answers[subscription] = answer
    return answers


def _known(fcm: Simulator, tenant: Tenant) -> set[tuple[str, str]]:
    return fcm.subscriptions(tenant.firebase_project_id)


def _all_done(answers: dict[Subscription, Answer]) -> bool:
    return all(judge(answer, subscribed=each.subscribed) == DONE for each, answer in answers.items())


def test_targets_are_subscribed_and_unsubscribed_and_a_repeat_is_harmless(subscriber: FcmTopicSubscriber, tenant: Tenant, fcm: Simulator) -> None:
    wanted = [_subscription("a"), _subscription("a", "sport"), _subscription("b")]
    for _ in range(2):
        assert _all_done(_tell(subscriber, tenant, wanted))
        assert _known(fcm, tenant) == {("a", "news"), ("a", "sport"), ("b", "news")}
    gone = [each._replace(subscribed=False) for each in wanted[1:]]
    for _ in range(2):
        assert _all_done(_tell(subscriber, tenant, gone))
        assert _known(fcm, tenant) == {("a", "news")}


@pytest.mark.parametrize("target", ["APA91b:x-_.~%+=/y", "..", "a/../b", "x" * 4_000])
@pytest.mark.parametrize("topic", ["a.b~c%20d_e-f", "%2e%2e", "x" * 900])
def test_no_name_leads_anywhere_else(subscriber: FcmTopicSubscriber, tenant: Tenant, fcm: Simulator, target: str, topic: str) -> None:
    assert _all_done(_tell(subscriber, tenant, [_subscription(target, topic)]))
    assert _known(fcm, tenant) == {(target, topic)}
    assert _all_done(_tell(subscriber, tenant, [_subscription(target, topic, subscribed=False)]))
    assert _known(fcm, tenant) == set()


def test_many_share_one_connection(subscriber: FcmTopicSubscriber, tenant: Tenant, fcm: Simulator) -> None:
    before = fcm.connections()
    many = [_subscription(f"t{number}") for number in range(3 * STREAMS)]
    assert _all_done(_tell(subscriber, tenant, many))
    assert len(_known(fcm, tenant)) == len(many)
    assert fcm.connections() == before + 1


@pytest.mark.usefixtures("fcm")
def test_a_call_keeps_to_its_pace(endpoint: FcmEndpoint, credentials: FcmCredentials, tenant: Tenant) -> None:
    subscriber = FcmTopicSubscriber(endpoint, credentials, SystemClock())
    began = monotonic()
    assert _all_done(_tell(subscriber, tenant, [_subscription(f"t{number}") for number in range(3 * STREAMS)]))
    assert monotonic() - began >= 2 * STREAMS / (PER_SECOND / CALLS_AT_ONCE)


@pytest.mark.parametrize(
    ("fault", "action"),
    [
        ({"error": "UNREGISTERED"}, SyncAction.GONE),
        ({"error": "RATE_LIMIT_EXCEEDED", "retry_after": 77}, SyncAction.RETRY),
        ({"error": "UNAVAILABLE"}, SyncAction.RETRY),
        ({"error": "PERMISSION_DENIED"}, SyncAction.PARK),
        ({"drop": "before"}, SyncAction.RETRY),
    ],
)
def test_failure_of_one_is_its_own(
    subscriber: FcmTopicSubscriber, tenant: Tenant, fcm: Simulator, fault: dict[str, object], action: SyncAction
) -> None:
    fcm.fault("bad", **({"drop_scope": "stream"} if "drop" in fault else {}), **fault)
    answers = _tell(subscriber, tenant, [_subscription("good"), _subscription("bad"), _subscription("fine")])
    outcomes = {each.target.value: judge(answer, subscribed=True) for each, answer in answers.items()}
    assert (outcomes["good"], outcomes["fine"]) == (DONE, DONE)
    assert outcomes["bad"].action is action
    assert outcomes["bad"].retry_after_seconds == fault.get("retry_after", 0)


def test_what_was_performed_and_not_answered_is_told_again(subscriber: FcmTopicSubscriber, tenant: Tenant, fcm: Simulator) -> None:
    fcm.fault("a", times=1, drop="after", drop_scope="stream")
    ((lost, answer),) = _tell(subscriber, tenant, [_subscription("a")]).items()
    assert judge(answer, subscribed=True).action is SyncAction.RETRY
    assert _known(fcm, tenant) == {("a", "news")}
    assert _all_done(_tell(subscriber, tenant, [lost]))


def test_silence_is_an_answer_too(silent: SilentServer, credentials: FcmCredentials, tenant: Tenant, clock: FixedClock) -> None:
    subscriber = FcmTopicSubscriber(FcmEndpoint(f"http://{silent.address}", "", timeout_ms=200), credentials, clock)
    assert [answer.status for answer in _tell(subscriber, tenant, [_subscription("a")]).values()] == [0]


def test_caller_that_stops_early_leaves_nothing_behind(subscriber: FcmTopicSubscriber, tenant: Tenant, fcm: Simulator) -> None:
    fcm.fault("slow", delay_seconds=5)
    telling = subscriber.tell(tenant, [_subscription("slow"), _subscription("quick")])
    assert [each.target.value for each, _ in next(iter(telling))] == ["quick"]
    telling.close()  # type: ignore[attr-defined]
    fcm.forget()
    assert set(_tell(subscriber, tenant, [_subscription("next")])) == {_subscription("next")}


def test_tenant_without_a_credential_is_told_at_once(subscriber: FcmTopicSubscriber) -> None:
    with pytest.raises(CredentialRefused):
        subscriber.tell(a_tenant(credential_version=None), [_subscription("a")])
