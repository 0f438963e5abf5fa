"""What attempts say of an endpoint, and when it is given up.

| an attempt was | what is noted |
|---|---|
| taken (2xx) | the minute; the end of its failing, if it failed |
| answered 410 | it is gone: disabled at once |
| anything else | one failure more, at most one in ten seconds; disabled after five days of nothing else |

A webhook's document is written for this about once in ten seconds at most, however many events there are: none takes more than one write a second.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum

from fanfare.domain.endpoint_answer import NotPosted, Posted, is_gone, is_silent, is_taken
from fanfare.domain.webhook import FAILING_FOR, Webhook, WebhookReason

NOTED_WITHIN = timedelta(seconds=10)
"""Failures within this of what was noted last are not counted."""
MOST_IN_FLIGHT = 4
"""So many attempts are under way to one endpoint from one instance: a quarter of the threads of `webhook`."""
SLOW = timedelta(seconds=2)
"""An attempt that takes so long keeps a thread from others, whatever the answer is in the end."""


class Verdict(StrEnum):
    """What an attempt came to, as far as its endpoint is concerned."""

    TAKEN = "taken"
    FAILED = "failed"
    GONE = "gone"


def verdict_of(answer: Posted | NotPosted) -> Verdict:
    """What an answer says of its endpoint."""
    if is_taken(answer):
        return Verdict.TAKEN
    return Verdict.GONE if is_gone(answer) else Verdict.FAILED


def note_attempt(webhook: Webhook, verdict: Verdict, now: datetime) -> Webhook | None:
    """Note an attempt; None if that is known well enough. The end of a failing is always noted: a success must never count as none."""
    if not webhook.active:
        return None
    if verdict is Verdict.TAKEN:
        return _note_success(webhook, now)
    if verdict is Verdict.FAILED and webhook.noted_at is not None and now - webhook.noted_at < NOTED_WITHIN:
        return None
    since = webhook.failing_since or now
    noted = replace(_noted(webhook, now), failure_count=webhook.failure_count + 1, failing_since=since)
    if verdict is Verdict.GONE:
        return _disabled(noted, WebhookReason.GONE, now)
    return _disabled(noted, WebhookReason.FAILING, now) if now - since >= FAILING_FOR else noted


def is_slow(answer: Posted | NotPosted, took: timedelta) -> bool:
    """Tell whether an attempt has shown its endpoint to be slow."""
    return is_silent(answer) or took >= SLOW


def may_attempt(in_flight: Mapping[str, int], tried: Mapping[str, bool], endpoint: str) -> bool:
    """Tell whether an instance may begin one more attempt to an endpoint: `in_flight` are those under way to each, `tried` says which were quick.

    Those that were slow when they were tried last, and those that it has not tried yet, share one endpoint's part: any number of slow or dead ones
    leave the other threads free. One that it has not tried yet may always show what it is like, by one attempt.
    """
    if endpoint not in tried and not in_flight.get(endpoint):
        return True
    is_quick = tried.get(endpoint, False)
    shared = in_flight.get(endpoint, 0) if is_quick else sum(number for name, number in in_flight.items() if not tried.get(name, False))
    return shared < MOST_IN_FLIGHT


def _note_success(webhook: Webhook, now: datetime) -> Webhook | None:
    if webhook.failing_since is None and webhook.failure_count == 0 and webhook.last_triggered_at == _minute(now):
        return None
    return replace(_noted(webhook, now), failure_count=0, failing_since=None)


def _noted(webhook: Webhook, now: datetime) -> Webhook:
    return replace(webhook, last_triggered_at=_minute(now), noted_at=now)


def _disabled(webhook: Webhook, reason: WebhookReason, now: datetime) -> Webhook:
    return replace(webhook, active=False, inactive_reason=reason, updated_at=now)


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)
