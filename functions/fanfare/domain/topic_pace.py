"""How fast FCM is told of subscriptions."""

from __future__ import annotations

from datetime import timedelta

PER_SECOND = 3_000
"""FCM takes so many of a project (firebase.google.com/docs/cloud-messaging/manage-topic-subscriptions)."""
CALLS_AT_ONCE = 4
"""So many calls share a project's budget without one knowing of another; where there are more, FCM says so and its answer is heeded."""
PIECE = 100
"""As many are told between two looks at the clock; no more are in flight at once."""


def pause_seconds(told: int, elapsed: timedelta) -> float:
    """How long a call that told so many in this time has to wait before it tells more."""
    return max(0.0, told * CALLS_AT_ONCE / PER_SECOND - elapsed.total_seconds())
