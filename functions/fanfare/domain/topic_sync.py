"""What FCM may not know yet of a device's subscriptions: kept with the device, so that no change is ever forgotten."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class TopicSync:
    """Topics that FCM may know wrongly about a device: `pending`, in the order of their names.

    `contested` are those of them that were turned while an earlier call about them may still have been under way: they are told twice.
    `check_at` is when FCM must be told next; None with something pending means as soon as the device is stored. `attempt` counts failures in a row.
    `errors` are (topic, FCM's code) of what FCM refused for good, the latest last.
    """

    pending: tuple[str, ...] = ()
    contested: tuple[str, ...] = ()
    check_at: datetime | None = None
    attempt: int = 0
    errors: tuple[tuple[str, str], ...] = ()


IN_SYNC = TopicSync()
"""Of a device of which FCM knows everything."""
