"""What the simulator accepted and answered: recent messages in full, every target in brief."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from itertools import count, islice
from time import time

from local.fcm.records import AcceptedMessage, Headers, TargetRecord
from local.fcm.send_request import SendRequest, Target
from local.fcm.tags import replacement_tags

MOST_HEADER_SETS = 1_000


class Inbox:
    """Accepted messages (the most recent `keep` in full) and a record of every target."""

    def __init__(self, keep: int = 100_000) -> None:
        self._recent: deque[AcceptedMessage] = deque(maxlen=keep)
        self._targets: dict[tuple[str, Target], TargetRecord] = {}
        self._header_sets: dict[Headers, Headers] = {}
        self._serial = count(1)
        self.counts: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()

    def record_of(self, project: str, target: Target) -> TargetRecord:
        """Return the target's record, made on first sight."""
        key = (project, target)
        if key not in self._targets:
            self._targets[key] = TargetRecord(project, target)
        return self._targets[key]

    def accept(self, project: str, request: SendRequest, *, body: bytes, headers: dict[str, str], http_version: str) -> str:
        """Keep an accepted message and return its name; one that only validates is kept but never counted as delivered."""
        name = self._name(project, validate_only=request.validate_only)
        arrived = AcceptedMessage(name, project, request.target, request.validate_only, time(), http_version, self._shared(headers), body)
        self._recent.append(arrived)
        self.counts["validated" if request.validate_only else "accepted"] += 1
        if not request.validate_only:
            _note_acceptance(self.record_of(project, request.target), name, replacement_tags(request.message))
        return name

    def note_answer(self, record: TargetRecord | None, status: int, code: str) -> None:
        """Record an answer that was given; without a record only the totals move."""
        if status != 200:
            self.refused[f"{status} {code}"] += 1
        if record is not None:
            record.answers += 1
            record.last_status, record.last_code = status, code

    def messages(self, *, target: str | None, project: str | None, limit: int) -> list[dict[str, object]]:
        """Return the newest matching messages, oldest of them first."""
        newest_first = (message for message in reversed(self._recent) if _is_about(message, target, project))
        return [message.document() for message in islice(newest_first, limit)][::-1]

    def targets(self, *, prefix: str, project: str | None) -> Iterator[dict[str, object]]:
        """Yield the records of targets that begin with the prefix, in order of first sight."""
        for record in self._targets.values():
            if record.target.value.startswith(prefix) and project in {None, record.project}:
                yield record.document()

    def forget(self) -> None:
        """Forget messages, targets and totals; names stay unique."""
        self._recent.clear()
        self._targets.clear()
        self.counts.clear()
        self.refused.clear()

    def __len__(self) -> int:
        return len(self._recent)

    @property
    def target_count(self) -> int:
        """How many targets were seen."""
        return len(self._targets)

    def _name(self, project: str, *, validate_only: bool) -> str:
        if validate_only:
            return f"projects/{project}/messages/fake_message_id"
        serial = next(self._serial)
        return f"projects/{project}/messages/0:{int(time() * 1e6)}%{serial:016x}{serial:016x}"

    def _shared(self, headers: dict[str, str]) -> Headers:
        """Return one shared tuple for equal header sets (they repeat), without the credential."""
        pairs = tuple((name, value) for name, value in headers.items() if name != "authorization")
        if len(self._header_sets) >= MOST_HEADER_SETS:
            self._header_sets.clear()
        return self._header_sets.setdefault(pairs, pairs)


def _note_acceptance(record: TargetRecord, name: str, tags: list[tuple[str, str]]) -> None:
    record.names.append(name)
    record.untagged += not tags
    record.tags += [tag for tag in tags if tag not in record.tags]


def _is_about(message: AcceptedMessage, target: str | None, project: str | None) -> bool:
    return target in {None, message.target.value} and project in {None, message.project}
