"""A person (or account) that owns devices."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from fanfare.domain.address import Address, AddressKind


class ProfileState(StrEnum):
    """Whether a profile is there: `DELETED` can be restored, `ERASED` is gone for good."""

    ACTIVE = "active"
    DELETED = "deleted"
    ERASED = "erased"


class Stage(StrEnum):
    """How far a change of a profile has come on its way to its devices (domain/spreading.py)."""

    SETTLED = "settled"
    JOINING = "joining"
    REPLACING = "replacing"


@dataclass(frozen=True, slots=True)
class Spread:
    """How far the devices know what the profile is now.

    `version` grows with every change that concerns them. `former` are names given up whose locks are still held. `check_at` is when somebody must
    look whether all devices know: a caller who began may not have come to the end, and a registration may have been under way.
    """

    version: int = 0
    stage: Stage = Stage.SETTLED
    former: tuple[Address, ...] = ()
    check_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """One person of a tenant. Username, phone number and external id are each unique within the tenant.

    `addresses` are keyed hashes of everything it is named by; the store fills them in. `topics` are those that its devices are subscribed to through
    it, `topics_check_at` is when somebody must look whether they are. `revision` is the store's mark of the state that was read.
    """

    id: str
    created_at: datetime
    username: str | None = None
    phone_number: str | None = None
    external_id: str | None = None
    tags: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    locale: str | None = None
    timezone: str | None = None
    deleted_at: datetime | None = None
    erased_at: datetime | None = None
    spread: Spread = Spread()
    topics_check_at: datetime | None = None
    addresses: tuple[str, ...] = ()
    revision: object = field(default=None, compare=False, repr=False)

    @property
    def state(self) -> ProfileState:
        """Whether it is there."""
        if self.erased_at is not None:
            return ProfileState.ERASED
        return ProfileState.ACTIVE if self.deleted_at is None else ProfileState.DELETED


def names_of(profile: Profile) -> tuple[Address, ...]:
    """List the names that no other profile of the tenant may hold."""
    given = (
        (AddressKind.USERNAME, profile.username),
        (AddressKind.PHONE, profile.phone_number),
        (AddressKind.EXTERNAL, profile.external_id),
    )
    return tuple(Address(kind, value) for kind, value in given if value is not None)


def held_names(profile: Profile) -> tuple[Address, ...]:
    """List the names that are locked for this profile: its own, and those that it gave up and its devices may still be addressed by."""
    return (*names_of(profile), *profile.spread.former)


def addresses_of(profile: Profile) -> tuple[Address, ...]:
    """List everything a caller may name this profile by: its id and its names, and a former name until every device has the new one."""
    former = profile.spread.former if profile.spread.stage is Stage.JOINING else ()
    return (Address(AddressKind.PROFILE, profile.id), *names_of(profile), *former)
