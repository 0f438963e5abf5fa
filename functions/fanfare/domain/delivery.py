"""From verdicts to what must be stored: the pure half of delivering a chunk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from fanfare.domain.chunk import Chunk, ChunkState
from fanfare.domain.classification import Verdict
from fanfare.domain.device import Device, Retirement
from fanfare.domain.notification import Notification, NotificationStatus, StatusReason
from fanfare.domain.outcome import Outcome, Result, count
from fanfare.domain.recipient import Recipient
from fanfare.domain.registration import deactivate

CLEAR_ERRORS = 10
"""So many errors stand in the chunk in clear, for whoever reads it in the console; all of them are in the packed results."""


@dataclass(frozen=True, slots=True)
class Conclusion:
    """A chunk and its notification as they are to be stored together."""

    chunk: Chunk
    notification: Notification


def conclude(notification: Notification, chunk: Chunk, recipients: Sequence[Recipient], verdicts: Mapping[str, Verdict], now: datetime) -> Conclusion:
    """Turn the verdicts of a whole chunk into final states. Recipients without a verdict stay unsent."""
    results = {row.device_id: _result(row, verdicts[row.device_id]) for row in recipients if row.device_id in verdicts}
    counts = count(results.values(), len(recipients))
    errors = Counter(result.detail for result in results.values() if result.outcome is Outcome.FAILED)
    done = replace(
        chunk, state=ChunkState.DONE, next_check_at=None, completed_at=now, results=results, counts=counts, errors=_clear_errors(results)
    )  # fmt: skip
    completed = replace(
        notification, status=NotificationStatus.COMPLETED, counts=counts, errors=dict(errors), started_at=chunk.started_at,
        completed_at=now, next_check_at=None, status_reason=None if recipients else StatusReason.NO_RECIPIENTS,
    )  # fmt: skip
    return Conclusion(done, completed)


def decide_retirement(device: Device, *, sent_to: Recipient, verdict: Verdict, notification_id: str, now: datetime) -> Device | None:
    """Retire a device whose target FCM declared dead; None if it has another target by now or is inactive already."""
    if verdict.retire is None or device.target != sent_to.target or not device.active:
        return None
    evidence = Retirement(verdict.detail, now, notification_id)
    return replace(deactivate(device, verdict.retire), retirement=evidence)


def _result(row: Recipient, verdict: Verdict) -> Result:
    return Result(verdict.outcome, verdict.detail, verdict.http_status, 1, row.platform, row.username)


def _clear_errors(results: Mapping[str, Result]) -> tuple[Mapping[str, str], ...]:
    failed = [(device_id, result.detail) for device_id, result in results.items() if result.outcome is Outcome.FAILED]
    return tuple({"device_id": device_id, "code": code} for device_id, code in failed[:CLEAR_ERRORS])
