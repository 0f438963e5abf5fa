"""What is told of a chunk's recipients: one event for each pass and kind, in the commit that concludes the pass.

| a recipient's outcome became final | is announced |
|---|---|
| in the pass that is concluded | with it |
| before a checkpoint of a call that died | with the next conclusion of the chunk, whoever stores it |
| in a pass that was concluded | was: not again, unless a replay makes it open once more |

A chunk's final results that are not `unannounced` were announced: that is what has become final since is compared with.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from fanfare.domain.chunk import Chunk
from fanfare.domain.event import EventKind
from fanfare.domain.notification import Notification
from fanfare.domain.outcome import FINAL_OUTCOMES, Outcome, Result

KIND_OF: Mapping[Outcome, EventKind] = MappingProxyType({Outcome.SENT: EventKind.NOTIFICATION_SENT, Outcome.FAILED: EventKind.NOTIFICATION_FAILED})
"""Which event tells of a final outcome."""


def unannounced_of(stored: Chunk, results: Mapping[str, Result]) -> tuple[str, ...]:
    """Whose outcomes are final by `results` and not announced yet, the chunk being stored like this: what has become so since, and what was kept."""
    kept = frozenset(stored.unannounced)
    final = (device_id for device_id, result in results.items() if result.outcome in FINAL_OUTCOMES)
    return tuple(device_id for device_id in final if device_id in kept or not _is_final(stored.results.get(device_id)))


def _is_final(result: Result | None) -> bool:
    return result is not None and result.outcome in FINAL_OUTCOMES


def chunk_data(notification: Notification, number: int, told: Iterable[tuple[str, Result]]) -> dict[str, Any]:
    """What an event tells of recipients of one outcome: never their targets, nor what the message says."""
    origin = {"schedule_id": notification.schedule_id, "topic": notification.topic}
    return {
        "notification_id": notification.id,
        "chunk": number,
        **{name: value for name, value in origin.items() if value is not None},
        "recipients": [_recipient(device_id, result) for device_id, result in told],
    }


def _recipient(device_id: str, result: Result) -> dict[str, Any]:
    """One recipient. What FCM fans out itself (a topic, a condition) is one message to no device of ours."""
    answer = {"fcm_message_id": result.detail} if result.outcome is Outcome.SENT else {"error_code": result.detail, "http_status": result.http_status}
    platform = result.platform.value if result.platform is not None else None
    return {"device_id": device_id or None, "platform": platform, "username": result.username, "attempts": result.attempts, **answer}
