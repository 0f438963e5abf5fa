"""Profiles and the devices that they own, as Protocols. A write takes the audit entry that is stored with it, in one commit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

from fanfare.domain.address import Address
from fanfare.domain.announcing import Announcer
from fanfare.domain.audit import AuditEntry, Trail
from fanfare.domain.device import Device
from fanfare.domain.filters import DeviceFilter, ProfileFilter
from fanfare.domain.listing import Page
from fanfare.domain.profile import Profile
from fanfare.domain.registration import Known, Registration, RegistrationPlan
from fanfare.domain.target import Target


class ProfileStore(Protocol):
    """Profiles. Each username, phone number and external id belongs to one profile of a tenant."""

    def get(self, tenant: str, profile_id: str) -> Profile | None:
        """Find one profile, in whatever state."""
        ...

    def get_many(self, tenant: str, profile_ids: Sequence[str]) -> Sequence[Profile]:
        """Find profiles, in whatever state, in one call; unknown ids are missing from the answer."""
        ...

    def find(self, tenant: str, addresses: Sequence[Address]) -> Mapping[Address, Profile]:
        """Find profiles, in whatever state, by what they are named by; an unknown address is missing from the answer."""
        ...

    def create(self, tenant: str, profile: Profile, audit: AuditEntry | None = None) -> tuple[Profile, bool]:
        """Store a new profile and return it with True, or the one that holds one of its names already with False, nothing stored."""
        ...

    def create_many(self, tenant: str, new: Sequence[tuple[Profile, AuditEntry | None]]) -> Sequence[Profile]:
        """Store new profiles in one commit, at most a hundred, each with its audit entry, and return them as they are stored.

        Nothing is stored and nothing returned if a name of theirs is taken, by another profile or by another of them.
        """
        ...

    def update(self, tenant: str, profile_id: str, decide: Callable[[Profile], Profile | None], audit: Trail | None = None) -> Profile | None:
        """Apply a pure decision to a stored profile (None leaves it) and return its state; None if there is no such profile.

        The locks of its names (domain/profile.py, `held_names`) move in the same commit. Conflict if another profile holds one; nothing is stored.
        """
        ...

    def update_many(
        self, tenant: str, profile_ids: Sequence[str], decide: Callable[[Profile], Profile | None], audit: AuditEntry | None = None
    ) -> Sequence[str]:
        """Apply a pure decision to at most a hundred profiles: one call to read them, one commit; unknown ids are passed over.

        Returns the ids of those that it changed; the audit entry is stored with each commit and names the profiles of that commit.
        """
        ...

    def remove(self, tenant: str, profile: Profile) -> bool:
        """Remove what is left of an erased profile, as it was read. False: it was changed meanwhile, or is gone."""
        ...

    def find_unsettled(self, now: datetime, limit: int) -> Sequence[tuple[str, str]]:
        """Find, in all tenants, profiles whose devices must be looked at by `now`: (tenant, profile id), the longest overdue first."""
        ...

    def list(self, tenant: str, filters: ProfileFilter, limit: int, after: str | None) -> Page[Profile]:
        """List profiles in the order of their ids. With several tags a page may be short though others follow."""
        ...

    def list_stored(self, tenant: str, limit: int, after: str | None) -> Page[Profile]:
        """List every profile in the order of their ids, in whatever state."""
        ...

    def rewrite(self, tenant: str, profiles: Sequence[Profile]) -> None:
        """Write profiles as they are, at most a hundred, with hashes and locks under the index keys that are written now."""
        ...

    def remove_locks(self, tenant: str, index_key: str, limit: int) -> int:
        """Remove at most `limit` locks of an index key that nobody uses any more; returns how many."""
        ...


class DeviceStore(Protocol):
    """Devices. A target belongs to one device of a tenant, and so does an app's device_id within a profile.

    An erased device is none any more: its id stays taken by a tombstone that only `erase` sees. Every write notes in its own commit what FCM does not
    know yet of the devices' subscriptions (domain/subscribing.py, `note_changes`).

    `announce` is asked for the events of each commit by its devices: as they were, and in the same order as they become (None: erased).
    """

    def get(self, tenant: str, device_ids: Sequence[str]) -> Sequence[Device]:
        """Find devices by id, in one call; unknown ids are missing from the answer."""
        ...

    def find_known(self, tenant: str, registrations: Sequence[tuple[Registration, Profile]]) -> Sequence[Known]:
        """Find what is stored about each registration's target and install."""
        ...

    def save(self, tenant: str, plans: Sequence[RegistrationPlan], audit: AuditEntry | None = None) -> bool:
        """Store plans in one commit, guarded by what they were made from. False: something changed meanwhile and nothing was stored."""
        ...

    def save_all(self, tenant: str, batches: Sequence[tuple[Sequence[RegistrationPlan], AuditEntry | None]]) -> Sequence[bool]:
        """Store batches of plans, each as `save` does and in a commit of its own, several at once; returns which were stored."""
        ...

    def update(
        self, tenant: str, device_id: str, decide: Callable[[Device], Device | None], audit: Trail | None = None, *, announce: Announcer | None = None
    ) -> Device | None:
        """Apply a pure decision to a stored device (None leaves it) and return its state; None if there is no such device."""
        ...

    def update_many(
        self,
        tenant: str,
        device_ids: Sequence[str],
        decide: Callable[[Device], Device | None],
        audit: AuditEntry | None = None,
        *,
        announce: Announcer | None = None,
    ) -> Sequence[str]:
        """Apply a pure decision to many devices: one call to read them, one commit; unknown ids are passed over.

        Returns the ids of those that it changed; the audit entry is stored with each commit and names the devices of that commit.
        """
        ...

    def erase(
        self,
        tenant: str,
        device_ids: Sequence[str],
        audit: AuditEntry | None = None,
        *,
        only_if: Callable[[Device], bool] = ...,
        cleaned_on: date | None = None,
        announce: Announcer | None = None,
    ) -> int:
        """Wipe devices at once, targets, names, locks and all; a tombstone tells the audience that they are gone.

        `only_if` is asked of each device as it is stored then: one that it spares stays, however the caller came to its id.
        With `cleaned_on` the day's numbers say so (`cleaned`, by platform), in the same commit.
        Returns how many of them are tombstones now, those erased earlier included. They go a hundred a commit; the audit entry is stored with each
        commit, and names the devices of that commit unless it names something itself. Unavailable if other writers keep being faster.
        """
        ...

    def find_by_target(self, tenant: str, target: Target) -> Device | None:
        """Find the device that has a target, a softly deleted one too."""
        ...

    def find_purgeable(self, tenant: str, before: datetime, limit: int) -> Sequence[Device]:
        """Find devices that have been purgeable since `before` or longer, the longest inactive ones first."""
        ...

    def find_active(self, tenant: str, addresses: Sequence[Address], limit: int) -> Sequence[Device]:
        """Find the active devices of the named profiles, at most `limit`."""
        ...

    def find_addressed(self, tenant: str, addresses: Sequence[Address], limit: int) -> Mapping[Address, Sequence[Device]]:
        """Find the active devices of the named profiles, at most `limit` of them in all, and say whose they are.

        A device that several of them share stands with each; who has none is missing from the answer.
        """
        ...

    def list(self, tenant: str, filters: DeviceFilter, limit: int, after: str | None) -> Page[Device]:
        """List devices that are not deleted, in the order of their ids."""
        ...

    def list_of_profile(self, tenant: str, profile_id: str, limit: int, after: str | None) -> Page[Device]:
        """List every device of a profile in the order of their ids, softly deleted ones too."""
        ...

    def list_stored(self, tenant: str, limit: int, after: str | None) -> Page[Device]:
        """List every device in the order of their ids, softly deleted ones too; Unavailable where one of them can't be read."""
        ...

    def remove_locks(self, tenant: str, index_key: str, limit: int) -> int:
        """Remove at most `limit` locks of an index key that nobody uses any more; returns how many."""
        ...
