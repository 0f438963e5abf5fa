"""A profile and its document."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fanfare.adapters.firestore.revisions import IndexedRevision
from fanfare.domain.address import Address, AddressKind
from fanfare.domain.buckets import bucket_of
from fanfare.domain.profile import Profile, Spread, Stage

VERSION = 1


def to_document(profile: Profile, index_keys: Sequence[str]) -> dict[str, Any]:
    """Map a profile, hashed under these index keys, to its document; its state stands there in a word, for lists and for the console's reader."""
    return {
        "v": VERSION,
        "state": profile.state.value,
        "username": profile.username,
        "phone_number": profile.phone_number,
        "external_id": profile.external_id,
        "tags": list(profile.tags),
        "topics": list(profile.topics),
        "locale": profile.locale,
        "timezone": profile.timezone,
        "addresses": list(profile.addresses),
        "index_keys": list(index_keys),
        "version": profile.spread.version,
        "stage": profile.spread.stage.value,
        "former": [{"kind": name.kind.value, "value": name.value} for name in profile.spread.former],
        "next_check_at": profile.spread.check_at,
        "topics_check_at": profile.topics_check_at,
        "bucket": bucket_of(profile.id),
        "created_at": profile.created_at,
        "deleted_at": profile.deleted_at,
        "erased_at": profile.erased_at,
    }


def from_document(profile_id: str, fields: dict[str, Any], updated_at: object) -> Profile:
    """Map a document, written at `updated_at`, to a profile; earlier versions' documents know neither deletion, spread nor topics."""
    return Profile(
        id=profile_id,
        username=fields["username"],
        phone_number=fields["phone_number"],
        external_id=fields["external_id"],
        tags=tuple(fields["tags"]),
        topics=tuple(fields.get("topics", ())),
        topics_check_at=fields.get("topics_check_at"),
        locale=fields["locale"],
        timezone=fields["timezone"],
        addresses=tuple(fields["addresses"]),
        spread=_spread(fields),
        created_at=fields["created_at"],
        deleted_at=fields.get("deleted_at"),
        erased_at=fields.get("erased_at"),
        revision=IndexedRevision(updated_at, tuple(fields["index_keys"])),
    )


def _spread(fields: dict[str, Any]) -> Spread:
    former = tuple(Address(AddressKind(name["kind"]), name["value"]) for name in fields.get("former", ()))
    return Spread(fields.get("version", 0), Stage(fields.get("stage", Stage.SETTLED)), former, fields.get("next_check_at"))
