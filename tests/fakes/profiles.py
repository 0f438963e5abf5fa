"""Profiles in memory."""

from __future__ import annotations

import builtins
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace

from fanfare.domain.address import Address
from fanfare.domain.listing import Page, ProfileFilter
from fanfare.domain.profile import Profile, addresses_of, names_of
from tests.fakes.addresses import address_hash
from tests.fakes.pages import page_of


class MemoryProfileStore:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._profiles: dict[tuple[str, str], Profile] = {}
        self._by_address: dict[tuple[str, Address], str] = {}

    def get(self, tenant: str, profile_id: str) -> Profile | None:
        return self._profiles.get((tenant, profile_id))

    def find(self, tenant: str, addresses: Sequence[Address]) -> Mapping[Address, Profile]:
        held = {address: self._by_address.get((tenant, address)) for address in addresses}
        return {address: self._profiles[tenant, profile_id] for address, profile_id in held.items() if profile_id is not None}

    def create(self, tenant: str, profile: Profile) -> tuple[Profile, bool]:
        with self._lock:
            holder = self._holder(tenant, profile)
            if holder is not None:
                return holder, False
            stored = replace(profile, addresses=tuple(address_hash(tenant, address) for address in addresses_of(profile)))
            self._profiles[tenant, profile.id] = stored
            self._by_address.update({(tenant, address): profile.id for address in addresses_of(profile)})
            return stored, True

    def list(self, tenant: str, filters: ProfileFilter, limit: int, after: str | None) -> Page[Profile]:
        return page_of(self._profiles, tenant, lambda profile: _is_wanted(filters, profile), limit, after)

    def _holder(self, tenant: str, profile: Profile) -> Profile | None:
        names: builtins.list[Address] = [*names_of(profile), *addresses_of(profile)]
        held = (self._by_address.get((tenant, address)) for address in names)
        return next((self._profiles[tenant, profile_id] for profile_id in held if profile_id is not None), None)


def _is_wanted(filters: ProfileFilter, profile: Profile) -> bool:
    asked = (filters.username, filters.phone_number, filters.external_id)
    has = (profile.username, profile.phone_number, profile.external_id)
    return all(value is None or value == given for value, given in zip(asked, has, strict=True))
