"""When a failed task is tried again, by Cloud Tasks' documented rule.

The wait starts at ``min_backoff``, doubles ``max_doublings`` times, then grows linearly by the last doubled step, up to ``max_backoff``:
10 s, 300 s and 3 doublings give 10, 20, 40, 80, 160, 240, 300, 300, …
"""

from __future__ import annotations

from dataclasses import dataclass

from local.cloud.errors import invalid_argument
from local.cloud.wire import Document, format_duration, parse_duration, parse_integer


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """A queue's ``retryConfig``; durations in seconds, ``max_attempts`` -1 and ``max_retry_seconds`` 0 are unlimited."""

    max_attempts: int = 100
    max_retry_seconds: float = 0.0
    min_backoff_seconds: float = 0.1
    max_backoff_seconds: float = 3600.0
    max_doublings: int = 16

    def wait_seconds(self, retry: int) -> float:
        """Return the wait before the given retry, 0 being the first one."""
        doubled = min(retry, self.max_doublings)
        steps = 1 + max(0, retry - self.max_doublings)
        return float(min(self.max_backoff_seconds, self.min_backoff_seconds * 2**doubled * steps))

    def is_exhausted(self, attempts: int, seconds_since_first: float) -> bool:
        """Say whether to give up: once both limits are reached; a missing one counts as reached, two missing ones never are."""
        if self.max_attempts == -1 and not self.max_retry_seconds:
            return False
        enough_attempts = self.max_attempts == -1 or attempts >= self.max_attempts
        return enough_attempts and seconds_since_first >= self.max_retry_seconds

    def to_document(self) -> Document:
        """Return it as ``retryConfig``."""
        return {
            "maxAttempts": self.max_attempts,
            "maxRetryDuration": format_duration(self.max_retry_seconds),
            "minBackoff": format_duration(self.min_backoff_seconds),
            "maxBackoff": format_duration(self.max_backoff_seconds),
            "maxDoublings": self.max_doublings,
        }


_DEFAULT = RetryPolicy()


def parse_retry_policy(document: Document) -> RetryPolicy:
    """Read a ``retryConfig``; Google's defaults for what is missing."""
    policy = RetryPolicy(
        max_attempts=parse_integer(document.get("maxAttempts") or _DEFAULT.max_attempts, "maxAttempts", -1, 2**31 - 1),
        max_retry_seconds=float(int(parse_duration(document.get("maxRetryDuration", "0s"), "maxRetryDuration"))),
        min_backoff_seconds=parse_duration(document.get("minBackoff", "0.1s"), "minBackoff"),
        max_backoff_seconds=parse_duration(document.get("maxBackoff", "3600s"), "maxBackoff"),
        max_doublings=parse_integer(document.get("maxDoublings", _DEFAULT.max_doublings), "maxDoublings", 0, 100),
    )
    if policy.min_backoff_seconds > policy.max_backoff_seconds:
        raise invalid_argument("minBackoff must not be greater than maxBackoff")
    return policy
