"""A queue's token bucket, and the system throttling that a 429 or 503 of the handler brings."""

from __future__ import annotations

# One burst of parallel 503s is one signal: without this pause it would take the rate to its floor at once.
_SLOW_AT_MOST_EVERY_SECONDS = 1.0
_SLOWEST_SHARE = 1 / 64
# A slow queue must still be able to find out that its handler is well again.
_SLOWEST_RATE = 1.0
_RECOVERY_SHARE = 1 / 50


class RateBucket:
    """Tokens refill at ``rate`` a second up to ``burst``; ``share`` (1 when healthy) scales both. Time is a parameter, in seconds."""

    def __init__(self, rate: float, burst: int, now: float) -> None:
        self._rate = rate
        self._burst = burst
        self._share = 1.0
        self._slowest_share = max(_SLOWEST_SHARE, min(1.0, _SLOWEST_RATE / rate))
        self._tokens = float(burst)
        self._filled_at = now
        self._slowed_at = float("-inf")

    @property
    def current_rate(self) -> float:
        """Dispatches a second at the moment."""
        return self._rate * self._share

    def take(self, now: float) -> bool:
        """Take one token if there is one."""
        self._refill(now)
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def wait_seconds(self, now: float) -> float:
        """Return the seconds until there is a token."""
        self._refill(now)
        return max(0.0, (1 - self._tokens) / self.current_rate)

    def slow_down(self, now: float) -> None:
        """Halve the rate, at most once a second."""
        if now - self._slowed_at < _SLOW_AT_MOST_EVERY_SECONDS:
            return
        self._refill(now)
        self._slowed_at = now
        self._share = max(self._slowest_share, self._share / 2)

    def recover(self, now: float) -> None:
        """Give a step of the rate back after a success."""
        if self._share < 1:
            self._refill(now)
            self._share = min(1.0, self._share + _RECOVERY_SHARE)

    def _refill(self, now: float) -> None:
        capacity = max(1.0, self._burst * self._share)
        gained = max(0.0, now - self._filled_at) * self.current_rate
        self._tokens = min(capacity, self._tokens + gained)
        self._filled_at = now
