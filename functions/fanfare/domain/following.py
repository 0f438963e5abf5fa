"""A profile's topics, which its devices follow: those that it has and those that it registers later.

The profile's commit decides; its devices are told afterwards, by the caller and once more two minutes later, when no registration can be under way
any more that had read the profile before. They learn it as they learn its names (domain/ownership.py): the version says which state is the later one.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from fanfare.domain.profile import Profile, ProfileState
from fanfare.domain.spreading import SETTLE_AFTER


def follow_topic(profile: Profile, topic: str, now: datetime) -> Profile | None:
    """Subscribe a profile; None if it is subscribed, or deleted."""
    if profile.state is not ProfileState.ACTIVE or topic in profile.topics:
        return None
    return _changed(profile, tuple(sorted((*profile.topics, topic))), now)


def unfollow_topic(profile: Profile, topic: str, now: datetime) -> Profile | None:
    """Unsubscribe a profile, a deleted one too; None if it is not subscribed."""
    return _changed(profile, tuple(each for each in profile.topics if each != topic), now) if topic in profile.topics else None


def end_topics_check(seen: Profile, stored: Profile) -> Profile | None:
    """Forget that somebody must look, now that somebody has; None if its topics were changed since."""
    return replace(stored, topics_check_at=None) if stored.topics_check_at == seen.topics_check_at is not None else None


def _changed(profile: Profile, topics: tuple[str, ...], now: datetime) -> Profile:
    spread = replace(profile.spread, version=profile.spread.version + 1)
    return replace(profile, topics=topics, spread=spread, topics_check_at=now + SETTLE_AFTER)
