"""The Retry-After header (RFC 9110): a number of seconds, or a date."""

from __future__ import annotations

from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

LONGEST = timedelta(days=365)
"""Whatever is longer is cut to this: the number may have any number of digits."""


def parse_retry_after(value: str, now: datetime) -> float | None:
    """How many seconds a header asks to wait, counted from `now`; None for a text that says nothing, or for a date that has passed."""
    text = value.strip()
    if text.isascii() and text.isdecimal():
        return min(float(text[:12]), LONGEST.total_seconds()) or None
    try:
        seconds = (parsedate_to_datetime(text) - now).total_seconds()
    except (ValueError, TypeError, OverflowError):
        # A date without a zone can't be compared with.
        return None
    return min(seconds, LONGEST.total_seconds()) if seconds > 0 else None
