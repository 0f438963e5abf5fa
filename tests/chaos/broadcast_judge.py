"""The promises of a broadcast, and every device that shows that one was broken. Pure: it judges what it is given."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from fanfare.domain.chunk import FINAL_STATES
from fanfare.domain.outcome import Outcome
from tests.chaos.broadcast_evidence import BroadcastEvidence, Case
from tests.chaos.judge import TAG_KINDS, Promise


def judge_broadcast(evidence: BroadcastEvidence) -> list[Promise]:
    """Try every promise."""
    cases = evidence.cases
    live, dead = [case for case in cases if not case.is_dead], [case for case in cases if case.is_dead]
    known = [case for case in cases if case.known]
    return [
        _try_on(live, "every device was sent to at least once", lambda case: len(case.names) > 0),
        _try_on(live, "every message, repeats too, carried the broadcast's one tag", lambda case: carries_tag(case, evidence.notification_id)),
        _try_on(known, "what a checkpoint had as sent was never sent again", was_left_alone),
        _try_on(live, "`sent` carries the id of the last message that FCM accepted for the device", has_last_message_id),
        _try_on(cases, "every device has one outcome, in one chunk", lambda case: len(case.results) == 1),
        _try_on(dead, "every dead device is `failed`", lambda case: all(result.outcome is Outcome.FAILED for result in case.results)),
        _counts(evidence),
        _chunks(evidence),
        _completed_once(evidence),
        _paused(evidence),
        Promise("nobody else was sent to", len(cases), evidence.strangers),
    ]


def carries_tag(case: Case, tag: str) -> bool:
    """Whether all messages that FCM accepted replace each other on the device, and nothing else there."""
    return case.record is not None and not case.record.untagged and list(case.record.tags.get(TAG_KINDS[case.platform], ())) == [tag]


def was_left_alone(case: Case) -> bool:
    """Whether the message by which a device stood as sent is the only one that it ever stood there by, and FCM accepted none for it afterwards."""
    return case.known == frozenset(case.names[-1:])


def has_last_message_id(case: Case) -> bool:
    """Whether the stored message id is that of the message that replaced all others."""
    return bool(case.names) and [result.detail for result in case.results] == [case.names[-1]]


def repeats(evidence: BroadcastEvidence) -> int:
    """How many messages FCM accepted beside the first of each device."""
    return sum(max(0, len(case.names) - 1) for case in evidence.cases)


def _try_on(tried: Sequence[Case], title: str, holds: Callable[[Case], bool]) -> Promise:
    return Promise(title, len(tried), [_describe(case) for case in tried if not holds(case)])


def _counts(evidence: BroadcastEvidence) -> Promise:
    """What the API counts is what FCM has answered."""
    outcomes = Counter(result.outcome.value for case in evidence.cases for result in case.results)
    reached = sum(1 for case in evidence.cases if case.names)
    wanted = {"targeted": len(evidence.cases), "sent": reached, "failed": len(evidence.cases) - reached, "retrying": 0, "unsent": 0}
    told = {name: evidence.status["counts"][name] for name in wanted}
    wrong = [] if told == wanted else [f"the API says {told}, FCM {wanted}"]
    stored = {name: outcomes[name] for name in ("sent", "failed")}
    wrong += [] if stored == {name: wanted[name] for name in stored} else [f"the chunks hold {stored}, FCM {wanted}"]
    return Promise("the counts equal FCM's record", len(evidence.cases), wrong)


def _chunks(evidence: BroadcastEvidence) -> Promise:
    left = [f"chunk {number}: {chunk.state if chunk else 'never begun'}" for number, chunk in enumerate(evidence.chunks)]
    open_ = [text for text, chunk in zip(left, evidence.chunks, strict=True) if chunk is None or chunk.state not in FINAL_STATES]
    return Promise("no chunk is left open", len(evidence.chunks), open_)


def _completed_once(evidence: BroadcastEvidence) -> Promise:
    wrong = [] if evidence.status["status"] == "completed" else [f"it is {evidence.status['status']}"]
    wrong += [] if len(evidence.endings) == 1 else [f"it was completed at {sorted(evidence.endings)}"]
    wrong += ["its generation is pinned still"] if evidence.is_pinned else []
    return Promise("the broadcast was completed exactly once, and let go of its audience", 1, wrong)


def _paused(evidence: BroadcastEvidence) -> Promise:
    settled, later = evidence.paused
    return Promise("nothing was sent while it was paused", 1, [] if settled == later else [f"FCM had accepted {settled}, and {later} at its end"])


def _describe(case: Case) -> str:
    record = case.record
    theirs = f"accepted {list(record.names)}, last {record.last_status} {record.last_code}" if record else "never heard of it"
    ours = [(result.outcome.value, result.detail) for result in case.results]
    return f"{case.platform} device {case.device_id}: {ours}, stood as sent by {sorted(case.known)}; FCM {theirs}"
