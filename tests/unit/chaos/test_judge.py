from __future__ import annotations

from dataclasses import replace

import pytest

from tests.chaos.audience import DEAD_PREFIX, LIVE_PREFIX, Draft, Person
from tests.chaos.database import StoredChunk
from tests.chaos.evidence import Account, Delivery, Evidence, Posted, Record, cases
from tests.chaos.judge import judge

LIVE = Person(f"{LIVE_PREFIX}a", "token", "android")
DEAD = Person(f"{DEAD_PREFIX}b", "fid", "ios")
POSTED = Posted("n1", Draft("key", (LIVE, DEAD), registered=True, message={}, tag=None), ("live", "dead"))
SENT, FAILED = Delivery("sent", "m2", None), Delivery("failed", None, "UNREGISTERED")
COUNTS = {"targeted": 2, "sent": 1, "failed": 1, "retrying": 0, "unsent": 0}
ACCOUNT = Account(POSTED, "completed", COUNTS, {"live": (SENT,), "dead": (FAILED,)})
REACHED = Record(("m1", "m2"), {"android_tag": ("n1",)}, 0, 200, "OK")
REFUSED = Record((), {}, 0, 404, "UNREGISTERED")
CHUNK = StoredChunk("tenants/t/notifications/n1/chunks/0", "done", 2)
GOOD = Evidence((ACCOUNT,), {("token", LIVE.target): REACHED, ("fid", DEAD.target): REFUSED}, (CHUNK,), {"dead": "unregistered"})


def fcm(live: Record | None = REACHED, dead: Record = REFUSED) -> Evidence:
    records = {("fid", DEAD.target): dead, **({("token", LIVE.target): live} if live else {})}
    return replace(GOOD, records=records)


def api(live: tuple[Delivery, ...] = (SENT,), dead: tuple[Delivery, ...] = (FAILED,), **counts: int) -> Evidence:
    deliveries = {"live": live, "dead": dead}
    return replace(GOOD, accounts=(replace(ACCOUNT, deliveries=deliveries, counts={**COUNTS, **counts}),))


def broken(evidence: Evidence, recipients: int = 2) -> set[str]:
    return {promise.title for promise in judge(evidence, recipients) if promise.offenders}


REACHED_ONCE = "every live recipient was reached at least once"
ONE_TAG = "every message, repeats too, carried its one tag"
OWN_ID = "`sent` carries a message id that FCM gave this recipient"
LAST_ANSWER = "`failed` carries the last answer that FCM gave"
NOT_ACCEPTED = "nobody is `failed` whose last answer was an acceptance"
ONE_OUTCOME = "everybody has one outcome, and it is final"
LIVE_SENT = "every live recipient is `sent`"
DEAD_FAILED = "every dead recipient is `failed`"
RETIRED = "every dead device is retired, and no live one"
CHUNKS = "no chunk is left open"
COUNTED = "every notification is completed and its counts add up"
SUM = "sent and failed make up all recipients"
STRANGERS = "nobody else was sent to"


def test_good_evidence_breaks_no_promise_and_tries_each_on_somebody() -> None:
    assert broken(GOOD) == set()
    assert all(promise.kept and promise.tried for promise in judge(GOOD, 2))


def test_a_promise_that_was_tried_on_nobody_was_not_kept() -> None:
    assert not any(promise.kept for promise in judge(Evidence((), {}, (), {}), 0))


@pytest.mark.parametrize(
    ("evidence", "promises"),
    [
        pytest.param(fcm(live=None), {REACHED_ONCE, OWN_ID}, id="FCM never heard of a live one"),
        pytest.param(fcm(replace(REACHED, tags={"android_tag": ("n1", "n2")})), {ONE_TAG}, id="a repeat under another tag"),
        pytest.param(fcm(replace(REACHED, tags={"android_tag": ("n2",)})), {ONE_TAG}, id="the tag of another notification"),
        pytest.param(fcm(replace(REACHED, tags={"webpush_tag": ("n1",)})), {ONE_TAG}, id="a tag that this platform does not read"),
        pytest.param(fcm(replace(REACHED, untagged=1)), {ONE_TAG}, id="one message without a tag"),
        pytest.param(api(live=(replace(SENT, message_id="m9"),)), {OWN_ID}, id="somebody else's message id"),
        pytest.param(api(dead=(replace(FAILED, error_code="EXPIRED"),)), {LAST_ANSWER}, id="an error that FCM did not answer"),
        pytest.param(fcm(dead=replace(REFUSED, last_status=200)), {NOT_ACCEPTED}, id="accepted last, and failed"),
        pytest.param(api(live=()), {ONE_OUTCOME, LIVE_SENT, COUNTED}, id="no delivery of it"),
        pytest.param(api(live=(SENT, SENT)), {ONE_OUTCOME, COUNTED}, id="two deliveries of it"),
        pytest.param(api(live=(Delivery("retrying", None, "UNAVAILABLE"),)), {ONE_OUTCOME, LIVE_SENT, COUNTED}, id="still to be tried again"),
        pytest.param(api(sent=2), {COUNTED, SUM}, id="counted twice"),
        pytest.param(api(retrying=1), {COUNTED}, id="counted as retrying too"),
        pytest.param(replace(GOOD, accounts=(replace(ACCOUNT, status="sending"),)), {COUNTED}, id="not completed"),
        pytest.param(replace(GOOD, retired={}), {RETIRED}, id="dead and still active"),
        pytest.param(replace(GOOD, retired={"dead": "unregistered", "live": "unregistered"}), {RETIRED}, id="live and retired"),
        pytest.param(replace(GOOD, chunks=(replace(CHUNK, state="retrying"),)), {CHUNKS}, id="a chunk is open"),
        pytest.param(replace(GOOD, chunks=(replace(CHUNK, path="tenants/t/notifications/n2/chunks/0"),)), {CHUNKS}, id="no chunk of it"),
        pytest.param(replace(GOOD, records={**GOOD.records, ("token", "x"): REACHED}), {STRANGERS}, id="a target that nobody named"),
    ],
)
def test_each_break_is_seen(evidence: Evidence, promises: set[str]) -> None:
    assert broken(evidence) == promises


def test_a_live_recipient_that_failed_is_seen_although_its_error_is_true() -> None:
    refused = replace(REACHED, last_code="UNAVAILABLE", last_status=503)
    evidence = replace(api(live=(Delivery("failed", None, "UNAVAILABLE"),), sent=0, failed=2), records=fcm(refused).records)
    assert broken(evidence) == {LIVE_SENT}


def test_a_dead_recipient_that_counts_as_sent_is_seen() -> None:
    assert DEAD_FAILED in broken(api(dead=(SENT,), sent=2, failed=0))


def test_acceptances_are_counted_by_recipient() -> None:
    assert [case.accepted for case in cases(GOOD)] == [2, 0]


def test_an_offender_is_named_with_both_accounts() -> None:
    offenders = {promise.title: promise.offenders for promise in judge(api(live=(replace(SENT, message_id="m9"),)), 2)}
    assert offenders[OWN_ID][0].startswith("android chaos-live-a… of n1: sent (m9); FCM accepted ['m1', 'm2']")
