"""Ending a quarantine: somebody has looked, and says whether the held targets are dead indeed."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum

from fanfare.domain.audit import trail
from fanfare.domain.brake import Quarantine
from fanfare.domain.call import Call
from fanfare.domain.chunk import ChunkKey
from fanfare.domain.chunk_rows import recipients_of
from fanfare.domain.classification import Kind
from fanfare.domain.errors import Conflict, NotFound
from fanfare.domain.outcome import Outcome, Result
from fanfare.domain.tenant import DRAINING, Tenant
from fanfare.ports import Deps
from fanfare.services.retire_targets import retire, with_good_payload
from fanfare.services.send_pass import work_of


class HeldTargets(StrEnum):
    """What becomes of the targets that the brake held."""

    KEEP = "keep"
    RETIRE = "retire"


def release_tenant(deps: Deps, call: Call, tenant_id: str, targets: HeldTargets) -> Tenant:
    """End a tenant's quarantine; what was parked is sent from the next tick on. Conflict if it is in none."""
    tenant = deps.tenants.get_fresh(tenant_id)
    if tenant is None:
        raise NotFound.of("tenant")
    if tenant.quarantine is None:
        raise Conflict("This tenant is not in quarantine.")
    if targets is HeldTargets.RETIRE:
        _retire_held(deps, tenant, tenant.quarantine, call.request_id)
    now = deps.clock.now()
    audit = trail("tenant.released", call.actor, now, {"targets": targets.value, "reason": tenant.quarantine.reason})

    def decide(stored: Tenant) -> Tenant | None:
        return replace(stored, quarantine=None, draining_until=now + DRAINING, released_at=now) if stored.quarantine else None

    return deps.tenants.update(tenant_id, decide, audit) or tenant


def _retire_held(deps: Deps, tenant: Tenant, quarantine: Quarantine, request_id: str) -> None:
    kind = Kind(quarantine.reason)
    for held in quarantine.held:
        key = ChunkKey(tenant.id, held.notification_id, held.number)
        found, [chunk] = deps.chunks.read_chunk(key), deps.chunks.get_many([key])
        if found is None or chunk is None:
            continue
        recipients = recipients_of(*found, chunk.results)
        rows = [row for row in recipients if _is_held(chunk.results.get(row.device_id), kind)]
        if kind is Kind.BAD_TARGET:
            # Its code is also that of a payload that was refused. The message's own life may be over: it is asked about as if it were sent now.
            work = replace(work_of(tenant, found[0], recipients, chunk), planned_at=deps.clock.now())
            rows = with_good_payload(deps, work, rows, chunk.results)
        retire(deps, key, {row.device_id: (row, kind, chunk.results[row.device_id].detail) for row in rows}, request_id)


def _is_held(result: Result | None, kind: Kind) -> bool:
    """Tell whether a recipient failed with the answer that the brake was put on for; its code is the kind's name in FCM's spelling."""
    return result is not None and result.outcome is Outcome.FAILED and result.detail == CODES[kind]


CODES = {Kind.UNREGISTERED: "UNREGISTERED", Kind.SENDER_ID_MISMATCH: "SENDER_ID_MISMATCH", Kind.BAD_TARGET: "INVALID_ARGUMENT"}
"""FCM's error code of each kind of answer that retires a target."""
