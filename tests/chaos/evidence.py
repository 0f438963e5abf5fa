"""What is found afterwards: the API's account, FCM's and Firestore's, side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fanfare.domain.message import TargetKind
from fanfare.domain.target import Target, anonymous_device_id
from tests.chaos.audience import DEAD_PREFIX, LIVE_PREFIX, Draft, Person
from tests.chaos.backend import Backend
from tests.chaos.database import StoredChunk, read_chunks
from tests.chaos.simulator import Simulator

TargetName = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Posted:
    """A notification that was accepted, and under which id each of its people is found."""

    id: str
    draft: Draft
    device_ids: Sequence[str]

    @property
    def tag(self) -> str:
        """The tag that each of its messages must carry."""
        return self.draft.tag or self.id


@dataclass(frozen=True, slots=True)
class Record:
    """FCM's account of one target: the messages it accepted, with their tags by kind, and the last answer it gave."""

    names: Sequence[str]
    tags: Mapping[str, Sequence[str]]
    untagged: int
    last_status: int | None
    last_code: str | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """The API's account of one recipient."""

    outcome: str
    message_id: str | None
    error_code: str | None


@dataclass(frozen=True, slots=True)
class Account:
    """The API's account of one notification; a recipient that stands there twice has two deliveries."""

    posted: Posted
    status: str
    counts: Mapping[str, int]
    deliveries: Mapping[str, Sequence[Delivery]]


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that the judge looks at."""

    accounts: Sequence[Account]
    records: Mapping[TargetName, Record]
    chunks: Sequence[StoredChunk]
    retired: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Case:
    """One recipient, seen from both sides. Without a record FCM never heard of it."""

    person: Person
    posted: Posted
    deliveries: Sequence[Delivery]
    record: Record | None

    @property
    def accepted(self) -> int:
        """How often FCM accepted a message for it."""
        return len(self.record.names) if self.record else 0

    @property
    def delivery(self) -> Delivery:
        """The account of it; a recipient that the API does not know counts as unsent."""
        return self.deliveries[0] if self.deliveries else Delivery("unknown", None, None)


def cases(evidence: Evidence) -> Iterator[Case]:
    """Bring the accounts of each recipient together."""
    for account in evidence.accounts:
        people = zip(account.posted.draft.people, account.posted.device_ids, strict=True)
        for person, device_id in people:
            record = evidence.records.get((person.kind, person.target))
            yield Case(person, account.posted, account.deliveries.get(device_id, ()), record)


def device_ids_of(people: Sequence[Person]) -> list[str]:
    """Under which ids the deliveries name people whose targets were given in the request."""
    return [anonymous_device_id(Target(TargetKind(person.kind), person.target)) for person in people]


def gather(posted: Sequence[Posted], backend: Backend, simulator: Simulator, firestore_host: str) -> Evidence:
    """Ask everybody."""
    return Evidence(
        accounts=[_account(notification, backend) for notification in posted],
        records={(row["kind"], row["target"]): record_of(row) for prefix in (DEAD_PREFIX, LIVE_PREFIX) for row in simulator.records(prefix)},
        chunks=read_chunks(firestore_host),
        retired={device["id"]: device["inactive_reason"] for device in backend.inactive_devices()},
    )


def _account(posted: Posted, backend: Backend) -> Account:
    deliveries: dict[str, list[Delivery]] = {}
    for row in backend.deliveries(posted.id):
        deliveries.setdefault(row["device_id"], []).append(Delivery(row["outcome"], row["fcm_message_id"], row["error_code"]))
    status = backend.status(posted.id)
    return Account(posted, status["status"], status["counts"], deliveries)


def record_of(row: Mapping[str, Any]) -> Record:
    """FCM's account of a target, as the simulator shows it."""
    last = row["last_answer"] or {"status": None, "code": None}
    return Record(row["names"], row["tags"], row["untagged"], last["status"], last["code"])
