"""When a message is tried again, and when that ends.

| rule | without Retry-After | with Retry-After |
|---|---|---|
| BACKOFF | 10 s + up to 10 s * (2^n - 1), at most 10 min | no earlier than that, plus up to a tenth |
| QUOTA | 60 s + up to 60 s * (2^(n-1) - 1), or up to 10 s the first time, at most 10 min | likewise |

n is the number of the failed attempt. It ends one hour after the first failure or with the message's life, whichever comes first
(firebase.google.com/docs/cloud-messaging/scale-fcm).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from fanfare.domain.classification import RetryRule

SHORTEST_WAIT_SECONDS = 10.0
QUOTA_WAIT_SECONDS = 60.0
LONGEST_WAIT_SECONDS = 600.0
LONGEST_RETRYING = timedelta(minutes=60)
LONGEST_RETRY_AFTER_SECONDS = 86_400
"""Any wait beyond `LONGEST_RETRYING` ends the retrying; the bound must lie above it, or a longer wait would be cut to one that FCM refused."""


def wait_seconds(rule: RetryRule, attempt: int, retry_after_seconds: int, jitter: float) -> float:
    """How long to wait after a failed attempt (1, 2, …); `jitter` is a random number from 0 to 1."""
    if retry_after_seconds > 0:
        asked = max(SHORTEST_WAIT_SECONDS, float(min(retry_after_seconds, LONGEST_RETRY_AFTER_SECONDS)))
        return asked * (1 + jitter / 10)
    shortest = QUOTA_WAIT_SECONDS if rule is RetryRule.QUOTA else SHORTEST_WAIT_SECONDS
    exponent = min(attempt - 1 if rule is RetryRule.QUOTA else attempt, 16)
    # The bound cuts the range that is drawn from, not what was drawn: late tries would otherwise all fall on the same instant.
    longest: float = min(max(shortest * 2**exponent, shortest + SHORTEST_WAIT_SECONDS), LONGEST_WAIT_SECONDS)
    return shortest + jitter * (longest - shortest)


def retry_at(now: datetime, wait: float, first_failed_at: datetime, expires_at: datetime) -> datetime | None:
    """When to try again; None if that would be later than the last useful moment."""
    due = now + timedelta(seconds=wait)
    return due if due <= min(first_failed_at + LONGEST_RETRYING, expires_at) else None
