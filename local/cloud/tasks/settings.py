"""A queue's limits and retry policy, read from Google's document."""

from __future__ import annotations

import math
from dataclasses import dataclass

from local.cloud.tasks.backoff import RetryPolicy, parse_retry_policy
from local.cloud.wire import Document, parse_integer, parse_number, section

_MAX_RATE = 500
_MAX_CONCURRENT = 5000
_DEFAULT_CONCURRENT = 1000
_LEAST_BURST = 10


@dataclass(frozen=True, slots=True)
class RateLimits:
    """Dispatches a second, tokens saved up at most, attempts under way at most."""

    per_second: float
    burst: int
    concurrent: int

    def to_document(self) -> Document:
        """Return it as ``rateLimits``."""
        return {
            "maxDispatchesPerSecond": self.per_second,
            "maxBurstSize": self.burst,
            "maxConcurrentDispatches": self.concurrent,
        }


@dataclass(frozen=True, slots=True)
class QueueSettings:
    """What a person sets on a queue."""

    limits: RateLimits
    retry: RetryPolicy

    def to_document(self) -> Document:
        """Return the settings as part of a queue's document."""
        return {"rateLimits": self.limits.to_document(), "retryConfig": self.retry.to_document()}


def parse_queue_settings(document: Document) -> QueueSettings:
    """Read a queue's document; a rate over 500/s is refused, as Google does."""
    return QueueSettings(_parse_limits(section(document, "rateLimits")), parse_retry_policy(section(document, "retryConfig")))


def _parse_limits(document: Document) -> RateLimits:
    rate = parse_number(document.get("maxDispatchesPerSecond") or _MAX_RATE, "maxDispatchesPerSecond", 0.001, _MAX_RATE)
    own_burst = max(_LEAST_BURST, math.ceil(rate))
    concurrent = document.get("maxConcurrentDispatches") or _DEFAULT_CONCURRENT
    return RateLimits(
        per_second=rate,
        burst=parse_integer(document.get("maxBurstSize") or own_burst, "maxBurstSize", 1, 10_000),
        concurrent=parse_integer(concurrent, "maxConcurrentDispatches", 1, _MAX_CONCURRENT),
    )
