"""What an endpoint answers to a post, and what that says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

TIMEOUT = timedelta(seconds=15)
"""So long may an endpoint take to answer."""
LONGEST_RETRY_AFTER = timedelta(hours=10)
"""An endpoint that asks for a longer wait gets this one."""
REDIRECT = "redirect"
TIMED_OUT = "timeout"


@dataclass(frozen=True, slots=True)
class Posted:
    """An endpoint's answer. `retry_after_seconds` is what it asked for, if so."""

    status: int
    retry_after_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class NotPosted:
    """No answer, and why, in a word: `timeout`, `connection`, `tls`, `address` (not a public one), `answer` (no HTTP)."""

    error: str


def is_taken(answer: Posted | NotPosted) -> bool:
    """Tell whether an endpoint has taken an event."""
    return isinstance(answer, Posted) and 200 <= answer.status < 300


def is_gone(answer: Posted | NotPosted) -> bool:
    """Tell whether an endpoint wants nothing any more."""
    return isinstance(answer, Posted) and answer.status == 410


def is_silent(answer: Posted | NotPosted) -> bool:
    """Tell whether an endpoint let the time run out."""
    return answer == NotPosted(TIMED_OUT)


def error_of(answer: Posted | NotPosted) -> str | None:
    """Say in a word why an event was not taken, where the status does not say it."""
    if isinstance(answer, NotPosted):
        return answer.error
    return REDIRECT if 300 <= answer.status < 400 else None


def wait_asked_for(answer: Posted | NotPosted) -> timedelta:
    """How long an endpoint asks to be left alone, `LONGEST_RETRY_AFTER` at most; nothing if it does not."""
    seconds = answer.retry_after_seconds if isinstance(answer, Posted) else None
    return timedelta(seconds=min(seconds, LONGEST_RETRY_AFTER.total_seconds())) if seconds else timedelta()
