"""Profiles in memory, with the locks of their names."""

from __future__ import annotations

import builtins
import itertools
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from fanfare.domain.address import Address
from fanfare.domain.audit import AuditEntry, Trail
from fanfare.domain.errors import Conflict, Unavailable
from fanfare.domain.filters import ProfileFilter
from fanfare.domain.listing import Page
from fanfare.domain.profile import Profile, ProfileState, addresses_of, held_names, names_of
from tests.fakes.addresses import address_hash
from tests.fakes.audit import MemoryAuditStore
from tests.fakes.pages import page_of

_TRIES = 8


class MemoryProfileStore:
    def __init__(self, audit: MemoryAuditStore | None = None) -> None:
        self._audit = audit or MemoryAuditStore()
        self._lock = threading.RLock()
        self._revisions = itertools.count(1)
        self._profiles: dict[tuple[str, str], Profile] = {}
        self._holders: dict[tuple[str, Address], str] = {}

    def get(self, tenant: str, profile_id: str) -> Profile | None:
        return self._profiles.get((tenant, profile_id))

    def get_many(self, tenant: str, profile_ids: Sequence[str]) -> Sequence[Profile]:
        return [profile for profile_id in dict.fromkeys(profile_ids) if (profile := self.get(tenant, profile_id))]

    def find(self, tenant: str, addresses: Sequence[Address]) -> Mapping[Address, Profile]:
        profiles = [profile for (owner, _), profile in self._profiles.items() if owner == tenant]
        named = {held: profile for profile in profiles for held in profile.addresses}
        return {address: named[address_hash(tenant, address)] for address in addresses if address_hash(tenant, address) in named}

    def create(self, tenant: str, profile: Profile, audit: AuditEntry | None = None) -> tuple[Profile, bool]:
        with self._lock:
            holder = self._holder(tenant, profile)
            if holder is not None:
                return holder, False
            stored = self._put(tenant, profile)
            self._holders.update({(tenant, name): profile.id for name in held_names(profile)})
            if audit is not None:
                self._audit.record(tenant, audit)
            return stored, True

    def create_many(self, tenant: str, new: Sequence[tuple[Profile, AuditEntry | None]]) -> Sequence[Profile]:
        names = [name for profile, _ in new for name in held_names(profile)]
        with self._lock:
            if len(set(names)) < len(names) or any(self._holder(tenant, profile) is not None for profile, _ in new):
                return []
            return [self.create(tenant, profile, audit)[0] for profile, audit in new]

    def update(self, tenant: str, profile_id: str, decide: Callable[[Profile], Profile | None], audit: Trail | None = None) -> Profile | None:
        for _ in range(_TRIES):
            before = self.get(tenant, profile_id)
            after = decide(before) if before is not None else None
            if before is None or after is None:
                return before
            with self._lock:
                if self._revision(tenant, before) == before.revision:
                    stored = self._move(tenant, before, after)
                    if audit is not None:
                        self._audit.record(tenant, audit(before, after))
                    return stored
        raise Unavailable("Too many writers change this profile at once.", retry_after_seconds=1)

    def update_many(
        self, tenant: str, profile_ids: Sequence[str], decide: Callable[[Profile], Profile | None], audit: AuditEntry | None = None
    ) -> Sequence[str]:
        changed: builtins.list[str] = []
        for profile_id in dict.fromkeys(profile_ids):
            before = self.get(tenant, profile_id)
            if self.update(tenant, profile_id, decide) is not before:
                changed.append(profile_id)
        if changed and audit is not None:
            self._audit.record(tenant, replace(audit, resource_ids=tuple(changed)))
        return changed

    def everything(self) -> builtins.list[tuple[str, Profile]]:
        """Every (tenant, profile), in the order of ids."""
        return [(tenant, profile) for (tenant, _), profile in sorted(self._profiles.items())]

    def remove(self, tenant: str, profile: Profile) -> bool:
        with self._lock:
            if self._revision(tenant, profile) != profile.revision:
                return False
            del self._profiles[tenant, profile.id]
            return True

    def find_unsettled(self, now: datetime, limit: int) -> builtins.list[tuple[str, str]]:
        checks = ((profile.spread.check_at, place) for place, profile in self._profiles.items())
        due = sorted(((at, place) for at, place in checks if at is not None and at <= now), key=lambda row: row[0])
        return [place for _, place in due[:limit]]

    def list(self, tenant: str, filters: ProfileFilter, limit: int, after: str | None) -> Page[Profile]:
        return page_of(self._profiles, tenant, lambda profile: _is_wanted(filters, profile), limit, after)

    def list_stored(self, tenant: str, limit: int, after: str | None) -> Page[Profile]:
        return page_of(self._profiles, tenant, lambda _: True, limit, after)

    def rewrite(self, tenant: str, profiles: Sequence[Profile]) -> None:
        for profile in profiles:
            self.update(tenant, profile.id, lambda stored: stored)

    def remove_locks(self, tenant: str, index_key: str, limit: int) -> int:
        return 0  # Here every name has one lock, whatever the index's key is.

    def _move(self, tenant: str, before: Profile, after: Profile) -> Profile:
        if any(self._holders.get((tenant, name), after.id) != after.id for name in held_names(after)):
            raise Conflict("Another profile has this username, phone number or external id.")
        for name in held_names(before):
            self._holders.pop((tenant, name), None)
        self._holders.update({(tenant, name): after.id for name in held_names(after)})
        return self._put(tenant, after)

    def _put(self, tenant: str, profile: Profile) -> Profile:
        addresses = tuple(address_hash(tenant, address) for address in addresses_of(profile))
        self._profiles[tenant, profile.id] = replace(profile, addresses=addresses, revision=next(self._revisions))
        return self._profiles[tenant, profile.id]

    def _revision(self, tenant: str, profile: Profile) -> object:
        stored = self.get(tenant, profile.id)
        return stored.revision if stored is not None else None

    def _holder(self, tenant: str, profile: Profile) -> Profile | None:
        ids = [*(self._holders.get((tenant, name), "") for name in names_of(profile)), profile.id]
        return next((self._profiles[tenant, profile_id] for profile_id in ids if (tenant, profile_id) in self._profiles), None)


def _is_wanted(filters: ProfileFilter, profile: Profile) -> bool:
    asked = (filters.username, filters.phone_number, filters.external_id)
    has = (profile.username, profile.phone_number, profile.external_id)
    return (
        profile.state is (ProfileState.DELETED if filters.deleted else ProfileState.ACTIVE)
        and set(profile.tags).issuperset(filters.tags)
        and all(value is None or value == given for value, given in zip(asked, has, strict=True))
    )
