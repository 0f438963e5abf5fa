"""The schedule tick's part of topics: what no task has brought to its end is found here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial

from fanfare.domain.batches import split
from fanfare.domain.errors import Unavailable
from fanfare.domain.following import end_topics_check
from fanfare.domain.profile import Profile
from fanfare.ports import Deps
from fanfare.services.nudge_topics import nudge_devices
from fanfare.services.tell_profiles import tell_devices

MOST_DEVICES = 1_000
MOST_PROFILES = 300
MOST_DELETING = 100
PIECE = 100
OVERDUE = timedelta(seconds=60)
"""What is due has its task; only what that has not done a minute later is nudged again."""


def settle_topics(deps: Deps, request_id: str) -> None:
    """Nudge, in all tenants, what FCM has not been told in time, tell the devices of profiles whose topics changed, and go on with deletions."""
    now = deps.clock.now()
    for tenant, device_ids in _by_tenant(deps.subscriptions.find_unsynced(now - OVERDUE, MOST_DEVICES)).items():
        nudge_devices(deps, tenant, device_ids, request_id)
    for tenant, profile_ids in _by_tenant(deps.subscriptions.find_untold(now, MOST_PROFILES)).items():
        _tell(deps, tenant, profile_ids, request_id)
    for tenant in deps.topics.find_deleting(now, MOST_DELETING):
        deps.tasks.enqueue_topic_sync(tenant, (), request_id)


def _tell(deps: Deps, tenant: str, profile_ids: Sequence[str], request_id: str) -> None:
    """Tell the profiles' devices, with whatever was registered meanwhile, and look no more unless they changed again."""
    for piece in split(profile_ids, PIECE):
        try:
            seen = {profile.id: profile for profile in deps.profiles.get_many(tenant, piece)}
            told = tell_devices(deps, tenant, piece)
            nudge_devices(deps, tenant, [device.id for device in told], request_id)
            deps.profiles.update_many(tenant, piece, partial(_checked, seen=seen))
        except Unavailable:
            # One tenant's busy profiles must not keep the others waiting; the next tick looks again.
            deps.log.warning("topics_unsettled", tenant=tenant)


def _checked(profile: Profile, *, seen: Mapping[str, Profile]) -> Profile | None:
    return end_topics_check(seen[profile.id], profile) if profile.id in seen else None


def _by_tenant(places: Sequence[tuple[str, str]]) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for tenant, found_id in places:
        found[tenant].append(found_id)
    return found
