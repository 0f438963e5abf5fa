"""Profiles in Firestore, with one lock document for each name, so that two simultaneous creations of a username make one profile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from google.cloud.firestore import Client as Firestore
from google.cloud.firestore import FieldFilter

from fanfare.adapters.blind_index import BlindIndex
from fanfare.adapters.firestore.client import fields_of, read, read_all, run_query
from fanfare.adapters.firestore.commits import WRITE_ID, commit_guarded
from fanfare.adapters.firestore.pages import read_page
from fanfare.adapters.firestore.paths import collection_of
from fanfare.domain.address import Address
from fanfare.domain.batches import split
from fanfare.domain.listing import Page, ProfileFilter
from fanfare.domain.profile import Profile, addresses_of, names_of
from fanfare.ports import Identifiers

VERSION = 1
ALTERNATIVES = 30
"""Firestore evaluates at most 30 alternatives in one query (firebase.google.com/docs/firestore/query-data/queries)."""


class FirestoreProfileStore:
    """`tenants/{t}/profiles/{id}` and `tenants/{t}/names/{keyed hash}`, the locks."""

    def __init__(self, firestore: Firestore, identifiers: Identifiers, index: BlindIndex) -> None:
        self._firestore = firestore
        self._identifiers = identifiers
        self._index = index

    def get(self, tenant: str, profile_id: str) -> Profile | None:
        """Find one profile."""
        fields = fields_of(read(collection_of(self._firestore, tenant, "profiles").document(profile_id)))
        return from_document(profile_id, fields) if fields else None

    def find(self, tenant: str, addresses: Sequence[Address]) -> Mapping[Address, Profile]:
        """Find profiles by what they are named by; an unknown address is missing from the answer."""
        by_hash = {self._index.hash_address(tenant, address): address for address in addresses}
        collection = collection_of(self._firestore, tenant, "profiles")
        found: dict[Address, Profile] = {}
        for hashes in split(list(by_hash), ALTERNATIVES):
            for snapshot in run_query(collection.where(filter=FieldFilter("addresses", "array_contains_any", list(hashes)))):
                profile = from_document(snapshot.id, snapshot.to_dict() or {})
                found.update((by_hash[held], profile) for held in profile.addresses if held in by_hash)
        return found

    def create(self, tenant: str, profile: Profile) -> tuple[Profile, bool]:
        """Store a new profile and return it with True, or the one that holds one of its names already with False."""
        stored = replace(profile, addresses=tuple(self._index.hash_address(tenant, address) for address in addresses_of(profile)))
        locks = [self._index.hash_address(tenant, name) for name in names_of(profile)]
        reference = collection_of(self._firestore, tenant, "profiles").document(profile.id)
        write_id = self._identifiers.new_id()
        batch = self._firestore.batch()
        batch.create(reference, {**to_document(stored), WRITE_ID: write_id})
        for lock in locks:
            batch.create(collection_of(self._firestore, tenant, "names").document(lock), {"v": VERSION, "profile_id": profile.id})
        if commit_guarded(batch, reference, write_id) is not None:
            return stored, True
        return self._holder(tenant, profile.id, locks), False

    def list(self, tenant: str, filters: ProfileFilter, limit: int, after: str | None) -> Page[Profile]:
        """List profiles in the order of their ids."""
        given = (("username", filters.username), ("phone_number", filters.phone_number), ("external_id", filters.external_id))
        wanted = [(field, "==", value) for field, value in given if value is not None]
        collection = collection_of(self._firestore, tenant, "profiles")
        return read_page(collection, wanted, limit, after, lambda snapshot: from_document(snapshot.id, snapshot.to_dict() or {}))

    def _holder(self, tenant: str, profile_id: str, locks: Sequence[str]) -> Profile:
        names = collection_of(self._firestore, tenant, "names")
        held = [fields for snapshot in read_all(self._firestore, [names.document(lock) for lock in locks]) if (fields := fields_of(snapshot))]
        holder = self.get(tenant, held[0]["profile_id"] if held else profile_id)
        if holder is None:
            raise RuntimeError("A name's lock outlived its profile.")
        return holder


def to_document(profile: Profile) -> dict[str, Any]:
    """Map a profile to its document."""
    return {
        "v": VERSION,
        "username": profile.username,
        "phone_number": profile.phone_number,
        "external_id": profile.external_id,
        "tags": list(profile.tags),
        "locale": profile.locale,
        "timezone": profile.timezone,
        "addresses": list(profile.addresses),
        "created_at": profile.created_at,
    }


def from_document(profile_id: str, fields: dict[str, Any]) -> Profile:
    """Map a document to a profile."""
    return Profile(
        id=profile_id,
        username=fields["username"],
        phone_number=fields["phone_number"],
        external_id=fields["external_id"],
        tags=tuple(fields["tags"]),
        locale=fields["locale"],
        timezone=fields["timezone"],
        addresses=tuple(fields["addresses"]),
        created_at=fields["created_at"],
    )
