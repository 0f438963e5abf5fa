"""Profiles in Firestore, with one lock document for each name, so that no two profiles can ever have one."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from google.api_core.exceptions import FailedPrecondition, NotFound
from google.cloud.firestore import Client as Firestore
from google.cloud.firestore import DocumentReference, DocumentSnapshot, FieldFilter, WriteBatch

from fanfare.adapters.blind_index import BlindIndex, KeyedHashes
from fanfare.adapters.firestore.audit import add_audit
from fanfare.adapters.firestore.client import COMMIT_RETRY, COMMIT_SECONDS, fields_of, read_all, run_query, translated
from fanfare.adapters.firestore.commits import TRIES, WRITE_ID, commit_guarded, lost_races
from fanfare.adapters.firestore.leftover_locks import remove_locks
from fanfare.adapters.firestore.pages import read_page
from fanfare.adapters.firestore.paths import collection_of
from fanfare.adapters.firestore.profile_mapping import from_document, to_document
from fanfare.adapters.firestore.replacing import ReplacingBatch
from fanfare.adapters.firestore.revisions import IndexedRevision, guard_of
from fanfare.domain.address import Address, AddressKind
from fanfare.domain.audit import AuditEntry, Trail
from fanfare.domain.errors import Conflict, Unavailable
from fanfare.domain.filters import ProfileFilter
from fanfare.domain.listing import Page
from fanfare.domain.profile import Profile, ProfileState, addresses_of, held_names, names_of
from fanfare.ports import Identifiers

VERSION = 1
ALTERNATIVES = 30
"""Firestore evaluates at most 30 alternatives in one query (firebase.google.com/docs/firestore/query-data/queries)."""
_MOST_PAGES = 10


class FirestoreProfileStore:
    """`tenants/{t}/profiles/{id}` and `tenants/{t}/names/{keyed hash}`, the locks.

    A profile that is read has the hashes of its names under the keys that are written now, whatever its document has: a device takes them over.
    """

    def __init__(self, firestore: Firestore, identifiers: Identifiers, index: BlindIndex) -> None:
        self._firestore = firestore
        self._identifiers = identifiers
        self._index = index

    def get(self, tenant: str, profile_id: str) -> Profile | None:
        """Find one profile, in whatever state."""
        return next(iter(self.get_many(tenant, [profile_id])), None)

    def get_many(self, tenant: str, profile_ids: Sequence[str]) -> Sequence[Profile]:
        """Find profiles, in whatever state, in one call; unknown ids are missing from the answer."""
        snapshots = read_all(self._firestore, [self._reference(tenant, profile_id) for profile_id in dict.fromkeys(profile_ids)])
        return self._profiles(tenant, [snapshot for snapshot in snapshots if snapshot.exists])

    def find(self, tenant: str, addresses: Sequence[Address]) -> Mapping[Address, Profile]:
        """Find profiles, in whatever state, by what they are named by; an unknown address is missing from the answer.

        A few are found by a query, which reads nothing but them. More than one query takes are found by their locks: one more document each, and two
        calls instead of dozens.
        """
        index = self._index.for_lookup(tenant)
        by_hash = {index.of_address(address): address for address in addresses}
        if len(by_hash) > ALTERNATIVES:
            profiles = self.get_many(tenant, self._ids_of(tenant, by_hash))
        else:
            query = collection_of(self._firestore, tenant, "profiles").where(filter=FieldFilter("addresses", "array_contains_any", list(by_hash)))
            profiles = self._profiles(tenant, run_query(query)) if by_hash else ()
        return {by_hash[held]: profile for profile in profiles for held in profile.addresses if held in by_hash}

    def _ids_of(self, tenant: str, by_hash: Mapping[str, Address]) -> builtins.list[str]:
        """Whom addresses may name: a profile by its id, and else whoever holds the lock of a name."""
        locks = collection_of(self._firestore, tenant, "names")
        named = [locks.document(held) for held, address in by_hash.items() if address.kind is not AddressKind.PROFILE]
        holders = [fields["profile_id"] for snapshot in read_all(self._firestore, named) if (fields := fields_of(snapshot))]
        return [*holders, *(address.value for address in by_hash.values() if address.kind is AddressKind.PROFILE)]

    def create(self, tenant: str, profile: Profile, audit: AuditEntry | None = None) -> tuple[Profile, bool]:
        """Store a new profile and return it with True, or the one that holds one of its names already with False."""
        stored = self.create_many(tenant, [(profile, audit)])
        return (stored[0], True) if stored else (self._holder(tenant, profile), False)

    def create_many(self, tenant: str, new: Sequence[tuple[Profile, AuditEntry | None]]) -> Sequence[Profile]:
        """Store new profiles in one commit, at most a hundred, and return them as they are stored; none where one of their names is taken."""
        names = [name for profile, _ in new for name in held_names(profile)]
        if len(set(names)) < len(names):
            return []
        hashes = self._index.for_writing(tenant)
        write_id, batch = self._identifiers.new_id(), ReplacingBatch(self._firestore)
        stored = [_addressed(profile, hashes) for profile, _ in new]
        for profile, (_, audit) in zip(stored, new, strict=True):
            batch.create(self._reference(tenant, profile.id), {**to_document(profile, _ids(hashes)), WRITE_ID: write_id})
            self._add_locks(batch, self._locks(tenant, held_names(profile), hashes), profile.id)
            if audit is not None:
                add_audit(batch, self._firestore, tenant, audit, self._identifiers.new_id())
        written_at = commit_guarded(batch, self._reference(tenant, stored[0].id), write_id)
        return [_revised(profile, written_at, hashes) for profile in stored] if written_at is not None else []

    def update(self, tenant: str, profile_id: str, decide: Callable[[Profile], Profile | None], audit: Trail | None = None) -> Profile | None:
        """Apply a pure decision (None leaves the profile) and move the locks of its names with it; Conflict if another profile holds one."""
        for _ in range(TRIES):
            before = self.get(tenant, profile_id)
            after = decide(before) if before is not None else None
            if before is None or after is None:
                return before
            stored = self._commit_changes(tenant, [(before, after)], audit(before, after) if audit else None)
            if stored:
                return stored[0]
            self._check_free(tenant, after)
        raise lost_races("this profile")

    def update_many(
        self, tenant: str, profile_ids: Sequence[str], decide: Callable[[Profile], Profile | None], audit: AuditEntry | None = None
    ) -> Sequence[str]:
        """Apply a pure decision to at most a hundred profiles: one call to read them, one commit. Returns who was changed.

        If another writer changed one of them meanwhile, each is updated by itself.
        """
        changes = [(before, after) for before in self.get_many(tenant, profile_ids) if (after := decide(before)) is not None]
        ids = [before.id for before, _ in changes]
        if not changes or self._commit_changes(tenant, changes, replace(audit, resource_ids=tuple(ids)) if audit else None):
            return ids
        return [profile_id for profile_id in ids if self._update_one(tenant, profile_id, decide, audit)]

    def rewrite(self, tenant: str, profiles: Sequence[Profile]) -> None:
        """Write profiles as they are, with the hashes and locks of the index keys that are written now; what was changed meanwhile by itself."""
        if profiles and not self._commit_changes(tenant, [(profile, profile) for profile in profiles], None):
            for profile in profiles:
                self.update(tenant, profile.id, lambda stored: stored)

    def remove(self, tenant: str, profile: Profile) -> bool:
        """Remove what is left of an erased profile, as it was read."""
        guard = guard_of(self._firestore, profile.revision)
        with translated():
            try:
                self._reference(tenant, profile.id).delete(guard, retry=COMMIT_RETRY, timeout=COMMIT_SECONDS)
            except (FailedPrecondition, NotFound):
                return False
        return True

    def find_unsettled(self, now: datetime, limit: int) -> list[tuple[str, str]]:
        """Find, in all tenants, profiles whose devices must be looked at by `now`, the longest overdue first."""
        query = self._firestore.collection_group("profiles").where(filter=FieldFilter("next_check_at", "<=", now))
        found = run_query(query.order_by("next_check_at").limit(limit).select(["next_check_at"]))
        return [(snapshot.reference.path.split("/")[1], snapshot.id) for snapshot in found]

    def list(self, tenant: str, filters: ProfileFilter, limit: int, after: str | None) -> Page[Profile]:
        """List profiles in the order of their ids: an index finds those with the first tag, the others are looked for in what it found."""
        wanted = (
            ("state", "==", (ProfileState.DELETED if filters.deleted else ProfileState.ACTIVE).value),
            ("username", "==", filters.username),
            ("phone_number", "==", filters.phone_number),
            ("external_id", "==", filters.external_id),
            ("tags", "array_contains", filters.tags[0] if filters.tags else None),
        )
        collection = collection_of(self._firestore, tenant, "profiles")
        found: Sequence[Profile] = ()
        for _ in range(_MOST_PAGES):
            page = self._page(tenant, read_page(collection, wanted, limit, after, lambda snapshot: snapshot))
            found, after = [profile for profile in page.items if set(profile.tags).issuperset(filters.tags)], page.next_after
            if found or after is None:
                break
        return Page(found, after)

    def list_stored(self, tenant: str, limit: int, after: str | None) -> Page[Profile]:
        """List every profile in the order of their ids, in whatever state."""
        return self._page(tenant, read_page(collection_of(self._firestore, tenant, "profiles"), [], limit, after, lambda snapshot: snapshot))

    def remove_locks(self, tenant: str, index_key: str, limit: int) -> int:
        """Remove at most `limit` locks of an index key that nobody uses any more; returns how many."""
        return remove_locks(self._firestore, tenant, "names", key_id=index_key, limit=limit)

    def _update_one(self, tenant: str, profile_id: str, decide: Callable[[Profile], Profile | None], audit: AuditEntry | None) -> bool:
        decided: Profile | None = None

        def noting(profile: Profile) -> Profile | None:
            nonlocal decided
            decided = decide(profile)
            return decided

        entry = replace(audit, resource_ids=(profile_id,)) if audit else None
        return self.update(tenant, profile_id, noting, (lambda *_: entry) if entry else None) is not None and decided is not None

    def _commit_changes(self, tenant: str, changes: Sequence[tuple[Profile, Profile]], audit: AuditEntry | None) -> Sequence[Profile]:
        """Write profiles and move their locks in one commit, guarded by what was read; returns them as they are stored, none if it was refused."""
        hashes = self._index.for_writing(tenant)
        write_id, batch = self._identifiers.new_id(), self._firestore.batch()
        stored = [_addressed(after, hashes) for _, after in changes]
        for (before, _), after in zip(changes, stored, strict=True):
            fields = {**to_document(after, _ids(hashes)), WRITE_ID: write_id}
            batch.update(self._reference(tenant, before.id), fields, guard_of(self._firestore, before.revision))
            held = self._locks(tenant, held_names(before), self._index.under(tenant, _keys_of(before)))
            wanted = self._locks(tenant, held_names(after), hashes)
            self._add_locks(batch, [lock for lock in wanted if lock not in held], before.id)
            for lock in held:
                if lock not in wanted:
                    batch.delete(lock)
        if audit is not None:
            add_audit(batch, self._firestore, tenant, audit, write_id)
        written_at = commit_guarded(batch, self._reference(tenant, stored[0].id), write_id)
        return [_revised(profile, written_at, hashes) for profile in stored] if written_at is not None else []

    def _check_free(self, tenant: str, profile: Profile) -> None:
        """Refuse a name that another profile holds. Names that are free, or this profile's own, were not why the commit was refused."""
        locks = self._locks(tenant, held_names(profile), [self._index.for_lookup(tenant)])
        holders = {fields["profile_id"] for snapshot in read_all(self._firestore, locks) if (fields := fields_of(snapshot))}
        if holders - {profile.id}:
            raise Conflict("Another profile has this username, phone number or external id.")

    def _holder(self, tenant: str, profile: Profile) -> Profile:
        locks = self._locks(tenant, names_of(profile), [self._index.for_lookup(tenant)])
        held = [fields for snapshot in read_all(self._firestore, locks) if (fields := fields_of(snapshot))]
        holder = self.get(tenant, held[0]["profile_id"] if held else profile.id)
        if holder is None:
            raise Unavailable("The profile that has this name is being erased.", retry_after_seconds=1)
        return holder

    def _add_locks(self, batch: WriteBatch, locks: Iterable[DocumentReference], profile_id: str) -> None:
        for lock in locks:
            batch.create(lock, {"v": VERSION, "profile_id": profile_id})

    def _locks(self, tenant: str, names: Sequence[Address], hashes: Iterable[KeyedHashes]) -> Sequence[DocumentReference]:
        collection = collection_of(self._firestore, tenant, "names")
        return [collection.document(held) for held in dict.fromkeys(each.of_address(name) for each in hashes for name in names)]

    def _profiles(self, tenant: str, snapshots: Sequence[DocumentSnapshot[Any]]) -> builtins.list[Profile]:
        hashes = self._index.for_writing(tenant)
        return [_addressed(from_document(found.id, found.to_dict() or {}, found.update_time), hashes) for found in snapshots]

    def _page(self, tenant: str, page: Page[DocumentSnapshot[Any]]) -> Page[Profile]:
        return Page(self._profiles(tenant, page.items), page.next_after)

    def _reference(self, tenant: str, profile_id: str) -> DocumentReference:
        return collection_of(self._firestore, tenant, "profiles").document(profile_id)


def _addressed(profile: Profile, hashes: Sequence[KeyedHashes]) -> Profile:
    return replace(profile, addresses=tuple(each.of_address(address) for each in hashes for address in addresses_of(profile)))


def _revised(profile: Profile, written_at: object, hashes: Iterable[KeyedHashes]) -> Profile:
    return replace(profile, revision=IndexedRevision(written_at, tuple(each.key_id for each in hashes)))


def _ids(hashes: Iterable[KeyedHashes]) -> builtins.list[str]:
    return [each.key_id for each in hashes]


def _keys_of(profile: Profile) -> tuple[str, ...]:
    return profile.revision.index_keys if isinstance(profile.revision, IndexedRevision) else ()
