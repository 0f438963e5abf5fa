"""Whose own apps may listen to a notification in Firestore: the profiles that it was addressed to, while any app of the tenant listens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fanfare.domain.listening import PUBLIC, is_read
from fanfare.domain.public_view import viewers_of
from fanfare.domain.send_request import SendRequest
from fanfare.ports import Deps
from fanfare.services.new_events import listening_to


def find_viewers(deps: Deps, tenant: str, request: SendRequest, owners: Mapping[str, Sequence[str]]) -> Mapping[str, tuple[str, ...]]:
    """Find the profiles with their devices, by the owners of each device that is sent to; none of a dry run, of which nobody receives anything."""
    if request.validate_only or not owners or not is_read(listening_to(deps, tenant), PUBLIC, deps.clock.now()):
        return {}
    is_shared = any(len(profile_ids) > 1 for profile_ids in owners.values())
    named = deps.profiles.find(tenant, request.to.addresses) if is_shared and request.to.addresses else {}
    addressed = frozenset(profile.id for profile in named.values())
    return viewers_of(owners, None if request.to.device_ids else addressed)
