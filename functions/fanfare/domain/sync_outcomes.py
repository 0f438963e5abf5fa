"""What a device's pending topics become by what FCM answered.

What was told is compared with what the device wants by then: where it wants the opposite, the topic is pending again at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from fanfare.domain.device import Device
from fanfare.domain.retry import wait_seconds
from fanfare.domain.subscribing import DEAD, Subscription, latest_errors, wanted_topics
from fanfare.domain.subscription_answer import SyncAction, SyncOutcome
from fanfare.domain.topic_sync import TopicSync

TELL_AGAIN_AFTER = timedelta(minutes=2)
"""When a contested topic is told once more: a call that was under way has ended by then."""
LONGEST_PATIENCE = 8
"""So many failures in a row are waited for by the minutes; later ones by twice as long each time, six hours at the most."""
_REFUSED = frozenset({SyncAction.GONE, SyncAction.FAILED})
_ENDS = _REFUSED | {SyncAction.DONE}


def note_outcomes(device: Device, told: Mapping[Subscription, SyncOutcome], now: datetime, jitter: float) -> Device | None:
    """Note what FCM answered; None if that changes nothing. What was told of another target counts no more, and what was told wrongly is pending."""
    ours = {each: outcome for each, outcome in told.items() if each.target == device.target}
    if not ours or device.inactive_reason in DEAD:
        return None
    wanted, sync = wanted_topics(device), device.topic_sync
    ended = {each.topic for each, outcome in ours.items() if outcome.action in _ENDS and each.subscribed == (each.topic in wanted)}
    again = {each.topic for each in ours if each.subscribed != (each.topic in wanted)}
    twice = ended.intersection(sync.contested)
    pending = ({*sync.pending} - ended) | again | twice
    failed = [outcome for outcome in ours.values() if outcome.action is SyncAction.RETRY]
    refused = [(each.topic, outcome.code) for each, outcome in ours.items() if each.topic in ended and outcome.action in _REFUSED]
    errors = latest_errors([*(error for error in sync.errors if error[0] not in ended), *refused])
    attempt = sync.attempt + 1 if failed else 0
    if failed:
        at: datetime | None = now + _wait(failed, attempt, jitter)
    elif again:
        at = now
    else:
        at = now + TELL_AGAIN_AFTER if twice else sync.check_at
    noted = TopicSync(_sorted(pending), _sorted({*sync.contested} - ended), at if pending else None, attempt, errors)
    return replace(device, topic_sync=noted) if noted != sync else None


def _wait(failed: Sequence[SyncOutcome], attempt: int, jitter: float) -> timedelta:
    longest = max(wait_seconds(outcome.retry, attempt, outcome.retry_after_seconds, jitter) for outcome in failed)
    later = 2 ** min(max(0, attempt - LONGEST_PATIENCE), 6)
    return timedelta(seconds=min(longest * later, max(longest, 21_600)))


def _sorted(topics: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(topics))
