"""The promises, and everybody who shows that one was broken. Pure: it judges what it is given."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from tests.chaos.evidence import Account, Case, Evidence, cases

TAG_KINDS = {"android": "android_tag", "ios": "apns_collapse_id", "web": "webpush_tag"}
UNREGISTERED = "unregistered"


@dataclass(frozen=True, slots=True)
class Promise:
    """A promise, on how many it was tried, and who shows that it was broken. One that was tried on nobody was not kept."""

    title: str
    tried: int
    offenders: Sequence[str]

    @property
    def kept(self) -> bool:
        """Whether it held."""
        return self.tried > 0 and not self.offenders


def judge(evidence: Evidence, recipients: int) -> list[Promise]:
    """Try every promise."""
    everybody = list(cases(evidence))
    live = [case for case in everybody if not case.person.dead]
    dead = [case for case in everybody if case.person.dead]
    sent = [case for case in everybody if case.delivery.outcome == "sent"]
    failed = [case for case in everybody if case.delivery.outcome == "failed"]
    reached = [case for case in everybody if case.accepted]
    return [
        _try_on(live, "every live recipient was reached at least once", lambda case: case.accepted > 0),
        _try_on(reached, "every message, repeats too, carried its one tag", carries_one_tag),
        _try_on(sent, "`sent` carries a message id that FCM gave this recipient", has_own_message_id),
        _try_on(failed, "`failed` carries the last answer that FCM gave", has_last_answer),
        _try_on(failed, "nobody is `failed` whose last answer was an acceptance", lambda case: not was_accepted_last(case)),
        _try_on(everybody, "everybody has one outcome, and it is final", has_one_final_outcome),
        _try_on(live, "every live recipient is `sent`", lambda case: case.delivery.outcome == "sent"),
        _try_on(dead, "every dead recipient is `failed`", lambda case: case.delivery.outcome == "failed"),
        _registered(everybody, evidence),
        _chunks(evidence),
        _counts(evidence.accounts),
        _sum(evidence.accounts, recipients),
        _strangers(everybody, evidence),
    ]


def carries_one_tag(case: Case) -> bool:
    """Whether all messages that FCM accepted replace each other on the device, and nothing else there."""
    record = case.record
    return record is not None and not record.untagged and list(record.tags.get(TAG_KINDS[case.person.platform], ())) == [case.posted.tag]


def has_own_message_id(case: Case) -> bool:
    """Whether the message id is one that FCM gave for this very recipient."""
    return case.record is not None and case.delivery.message_id in case.record.names


def has_last_answer(case: Case) -> bool:
    """Whether the error is what FCM said last."""
    return case.record is not None and case.delivery.error_code == case.record.last_code


def was_accepted_last(case: Case) -> bool:
    """Whether FCM's last word was that it had accepted."""
    return case.record is not None and case.record.last_status == 200


def has_one_final_outcome(case: Case) -> bool:
    """Whether the recipient stands in the deliveries once, with nothing left to do."""
    return len(case.deliveries) == 1 and case.delivery.outcome in {"sent", "failed"}


def _try_on(tried: Sequence[Case], title: str, holds: Callable[[Case], bool]) -> Promise:
    return Promise(title, len(tried), [_describe(case) for case in tried if not holds(case)])


def _registered(everybody: Iterable[Case], evidence: Evidence) -> Promise:
    """A dead device is retired with its reason, a live one is not."""
    devices = {device_id for account in evidence.accounts if account.posted.draft.registered for device_id in account.posted.device_ids}
    ids = (device_id for account in evidence.accounts for device_id in account.posted.device_ids)
    owned = [(device_id, case) for device_id, case in zip(ids, everybody, strict=True) if device_id in devices]
    wrong = [
        f"device {device_id} is {evidence.retired.get(device_id, 'active')}: {_describe(case)}"
        for device_id, case in owned
        if evidence.retired.get(device_id) != (UNREGISTERED if case.person.dead else None)
    ]
    return Promise("every dead device is retired, and no live one", len(owned), wrong)


def _chunks(evidence: Evidence) -> Promise:
    known = {chunk.path.split("/")[3] for chunk in evidence.chunks}
    missing = [f"{account.posted.id} has no chunk" for account in evidence.accounts if account.posted.id not in known]
    left = [f"{chunk.path} is {chunk.state}" for chunk in evidence.chunks if chunk.is_open]
    return Promise("no chunk is left open", len(evidence.chunks), missing + left)


def _counts(accounts: Sequence[Account]) -> Promise:
    wrong = [text for account in accounts for text in _miscounts(account)]
    return Promise("every notification is completed and its counts add up", len(accounts), wrong)


def _miscounts(account: Account) -> list[str]:
    counts = account.counts
    outcomes = Counter(delivery.outcome for rows in account.deliveries.values() for delivery in rows)
    wanted = {"targeted": len(account.posted.draft.people), "sent": outcomes["sent"], "failed": outcomes["failed"], "retrying": 0, "unsent": 0}
    told = {name: counts[name] for name in wanted}
    if account.status == "completed" and told == wanted and counts["targeted"] == counts["sent"] + counts["failed"]:
        return []
    return [f"{account.posted.id} is {account.status} with {told}, its deliveries say {wanted}"]


def _sum(accounts: Sequence[Account], recipients: int) -> Promise:
    total = sum(account.counts["sent"] + account.counts["failed"] for account in accounts)
    return Promise("sent and failed make up all recipients", recipients, [] if total == recipients else [f"{total} of {recipients}"])


def _strangers(everybody: Iterable[Case], evidence: Evidence) -> Promise:
    asked = {(case.person.kind, case.person.target) for case in everybody}
    others = [f"{kind} {target}" for kind, target in evidence.records if (kind, target) not in asked]
    return Promise("nobody else was sent to", len(evidence.records), others)


def _describe(case: Case) -> str:
    delivery, record = case.delivery, case.record
    ours = delivery.message_id or delivery.error_code
    theirs = "never heard of it"
    if record is not None:
        theirs = f"accepted {list(record.names)}, tags {dict(record.tags)}, last {record.last_status} {record.last_code}"
    who = f"{case.person.platform} {case.person.target[:24]}… of {case.posted.id}"
    return f"{who}: {delivery.outcome} ({ours}); FCM {theirs}"
