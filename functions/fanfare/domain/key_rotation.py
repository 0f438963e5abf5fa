"""Rotation of a tenant's data key and of its blind index's key, while everything goes on (docs/decisions/0013 says why in this order).

| phase | hashes are written under | lookups use | what happens |
|---|---|---|---|
| announced | both index keys | the old one | nothing for 150 seconds: every instance learns of the new keys |
| filling profiles, devices | both | the old one | each document is written again, under the new data key, with hashes and locks of both index keys |
| switched | both | the new one | nothing for 150 seconds: every instance looks up under the new one |
| closed | the new one | the new one | nothing for 150 seconds: no instance writes under the old one any more |
| clearing profiles, devices, locks | the new one | the new one | each document is written again without the old key's hashes; its locks go |

Two instances that are one phase apart hold at least one lock in common for every name, and each finds what the other writes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from fanfare.domain.identifiers import hash_identifier
from fanfare.domain.tenant import Tenant
from fanfare.domain.tenant_keys import IndexKeys, KeyRotation, Phase

WAIT = timedelta(seconds=150)
"""An instance knows a tenant as it was at most 60 seconds ago, and a request that knew it so has ended a minute later; the rest is reserve."""
_NEXT: Mapping[Phase, Phase | None] = dict(zip(Phase, [*list(Phase)[1:], None], strict=True))


def next_data_key(tenant: Tenant) -> str:
    """Name the data key that comes after the present one: two calls that begin at once make one key."""
    return hash_identifier("data-key", tenant.id, tenant.data_key_id)


def first_index_key(version: str) -> str:
    """Name the first index key of a tenant that is made while the deployment's secret is at this version."""
    return f"{version}-0"


def next_index_key(present: str, version: str) -> str:
    """Name the index key that comes after the present one, derived from the secret's newest version (which may be the same as before)."""
    return f"{version}-{int(present.rpartition('-')[2]) + 1}"


def begin_rotation(tenant: Tenant, version: str, now: datetime) -> Tenant | None:
    """Announce new keys; `version` is the newest of the index's secret. None while a rotation is under way."""
    if tenant.rotation is not None:
        return None
    present = tenant.index.current
    rotation = KeyRotation(Phase.ANNOUNCED, now, now + WAIT, present)
    return replace(tenant, data_key_id=next_data_key(tenant), index=IndexKeys(present, next_index_key(present, version)), rotation=rotation)


def is_due(tenant: Tenant, now: datetime) -> bool:
    """Tell whether there is something to do now."""
    return tenant.rotation is not None and tenant.rotation.due_at <= now


def note_progress(tenant: Tenant, seen: KeyRotation, cursor: str, done: int, now: datetime) -> Tenant | None:
    """Note how far a phase has come, so that a later call goes on from there; None if another call has done so meanwhile."""
    if tenant.rotation != seen:
        return None
    return replace(tenant, rotation=replace(seen, cursor=cursor, done=seen.done + done, due_at=now))


def end_phase(tenant: Tenant, seen: KeyRotation, now: datetime) -> Tenant | None:
    """Go on to the next phase, or end the rotation after the last; None if another call has done so meanwhile."""
    if tenant.rotation != seen:
        return None
    following = _NEXT[seen.phase]
    if following is None:
        return replace(tenant, rotation=None, keys_rotated_at=now)
    rotation = replace(seen, phase=following, due_at=now, cursor=None, done=0)
    if following is Phase.SWITCHED:
        return replace(tenant, index=IndexKeys(tenant.index.other or seen.retiring, seen.retiring), rotation=replace(rotation, due_at=now + WAIT))
    if following is Phase.CLOSED:
        return replace(tenant, index=IndexKeys(tenant.index.current), rotation=replace(rotation, due_at=now + WAIT))
    return replace(tenant, rotation=rotation)
