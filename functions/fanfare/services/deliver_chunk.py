"""Delivering one chunk: claim, read, send, retire the dead, store, nudge what is to be tried again.

A chunk of many is read before it is claimed: if nobody in it is to be sent to, it is created as what it ends as, without a claim.
"""

from __future__ import annotations

from dataclasses import replace

from fanfare.domain.broadcast_steering import take_of
from fanfare.domain.chunk import Busy, Chunk, ChunkKey, ChunkState, ChunkTask, Finished, give_back, is_claim_of, new_claim
from fanfare.domain.chunk_rows import Rows, is_of_audience, recipients_of, with_unreached, without_those_who_left
from fanfare.domain.delivery import RECIPIENTS_NOT_KEPT, Hold, is_open, pending, plan_without_recipients
from fanfare.domain.notification import Notification, has_chunk
from fanfare.domain.outcome import Result, count
from fanfare.domain.recipient import Recipient
from fanfare.domain.steering import plan_end, stop_of
from fanfare.domain.tenant import Tenant, hold_reason
from fanfare.ports import Deps
from fanfare.services.attempt_chunk import attempt_chunk
from fanfare.services.end_chunk import Begun, store_end, store_unbegun
from fanfare.services.pace_chunks import move_chunk
from fanfare.services.send_pass import ClaimLost, SendPass, work_of

_END_TRIES = 5
_Found = tuple[Notification, Rows]


def deliver_chunk(deps: Deps, key: ChunkKey, request_id: str = "") -> Busy | Finished:
    """Deliver a chunk unless another call does so; a repeat of the call is harmless."""
    claim = deps.chunks.claim(key, deps.identifiers.new_id(), deps.clock.now())
    return _deliver(deps, claim, deps.chunks.read_chunk(key), request_id) if isinstance(claim, Chunk) else claim


def deliver_task(deps: Deps, task: ChunkTask, request_id: str = "") -> Busy | Finished:
    """Deliver a chunk of many in its slot, or give it another one if that is long over; a repeat of the call is harmless."""
    if move_chunk(deps, task, request_id):
        return Finished()
    found = deps.chunks.read_chunk(task.key, task.generation)
    if found is None or not is_open(found[0], new_claim(task.key, "", task.slot)):
        return deliver_chunk(deps, task.key, request_id)
    now, planned_at = deps.clock.now(), max(found[0].planned_at, task.slot)
    fresh = new_claim(task.key, deps.identifiers.new_id(), now, planned_at)
    recipients = recipients_of(*found, {})
    if (not recipients or stop_of(found[0], fresh) is not None) and _is_ended_unbegun(deps, fresh, found[0], recipients, request_id):
        return Finished()
    claim = deps.chunks.claim(task.key, fresh.owner, now, planned_at, take=take_of(found[0]))
    if not isinstance(claim, Chunk):
        return claim
    # Opened once: a chunk that is begun just now has all of its rows for recipients.
    opened = found if claim.results else (found[0], found[1]._replace(chosen=recipients))
    return _deliver(deps, claim, opened, request_id, task.generation)


def _is_ended_unbegun(deps: Deps, fresh: Chunk, notification: Notification, recipients: tuple[Recipient, ...], request_id: str) -> bool:
    """Store at once what a chunk ends as that nobody has begun, if nobody has claimed it meanwhile."""
    results = with_unreached(recipients, {}) if is_of_audience(notification) else {}
    return store_unbegun(deps, plan_end(notification, fresh, recipients, results, fresh.started_at, None), request_id)


def _deliver(deps: Deps, claim: Chunk, found: _Found | None, request_id: str, generation: int | None = None) -> Busy | Finished:
    done = _begin(deps, claim, found)
    if done is None:
        return _refuse(deps, claim, request_id)
    try:
        hold = _attempt(deps, done)
    except ClaimLost:
        _note_lost(deps, claim)
        return Finished()
    now = deps.clock.now()
    if deps.lifecycle.is_stopping() and hold is None and done.chunk.stop is None and pending(done.work.recipients, done.results, now):
        _give_back(deps, done)
        return Busy(retry_after_seconds=1)
    if _end(deps, done, hold, request_id, generation):
        _remember(deps, done)
    return Finished()


def _attempt(deps: Deps, done: SendPass) -> Hold | None:
    key, recipients = done.chunk.key, len(done.work.recipients)
    with deps.telemetry.span("chunk pass", tenant=key.tenant, notification=key.notification_id, chunk=key.number, recipients=recipients) as span:
        hold = attempt_chunk(deps, done.work, done)
        counts = count(done.results.values(), max(len(done.results), recipients))
        span.note(sent=counts.sent, failed=counts.failed, retrying=counts.retrying)
    return hold


def _begin(deps: Deps, claim: Chunk, found: _Found | None) -> SendPass | None:
    """Put together what is known; None if there is nothing to deliver, or nobody to deliver it for."""
    tenant = _tenant(deps, claim.key.tenant)
    if found is None or tenant is None or not has_chunk(found[0], claim.key.number):
        return None
    notification, rows = found
    if notification.layout is not None and claim.planned_at is None:
        # Nudged by the sweep, without a slot: its messages' life begins now.
        claim = replace(claim, planned_at=max(notification.planned_at, claim.started_at))
    recipients = recipients_of(notification, rows, claim.results)
    return SendPass(deps, work_of(tenant, notification, recipients, claim), claim, _results(claim, rows, recipients))


def _results(claim: Chunk, rows: Rows, recipients: tuple[Recipient, ...]) -> dict[str, Result]:
    return dict(claim.results) if rows.shards is None else without_those_who_left(recipients, claim.results)


def _give_back(deps: Deps, done: SendPass) -> None:
    results = done.work.stored(done.results)
    counts = count(results.values(), max(len(results), len(done.work.recipients)))
    given = replace(give_back(done.chunk, deps.clock.now()), results=results, counts=counts, unannounced=done.kept_for_later(results))
    if deps.chunks.save_chunk(given) is not None:
        _remember(deps, done)


def _end(deps: Deps, done: SendPass, hold: Hold | None, request_id: str, generation: int | None) -> bool:
    """Store the end of a pass; planned anew if somebody told it meanwhile to stop, or to go on after all. False: the claim was lost."""
    for _ in range(_END_TRIES):
        work = done.work
        plan = plan_end(work.notification, done.chunk, work.recipients, work.stored(done.results), deps.clock.now(), hold)
        if store_end(deps, Begun(work.notification, done.chunk), plan, request_id, generation):
            return True
        found = deps.notifications.get_with_chunk(done.chunk.key)
        if found is None or found[1] is None or not is_claim_of(found[1], done.chunk.owner):
            break
        done.work = replace(work, notification=found[0])
        done.chunk = replace(done.chunk, stop=found[1].stop, revision=found[1].revision)
    _note_lost(deps, done.chunk)
    return False


def _note_lost(deps: Deps, chunk: Chunk) -> None:
    deps.log.warning("claim_lost", notification=chunk.key.notification_id, chunk=chunk.key.number)


def _remember(deps: Deps, done: SendPass) -> None:
    """Let the pass count for the brake, now that its results are stored: those of a pass that failed come in again with the next."""
    if done.tally is not None and done.tally.results:
        deps.answers.add(done.work.tenant.id, done.tally)


def _tenant(deps: Deps, tenant_id: str) -> Tenant | None:
    """The tenant; a hold that was cached is looked up again, because what is parked after its end would wait for nobody."""
    tenant = deps.tenants.get(tenant_id)
    held = tenant is not None and (hold_reason(tenant) is not None or tenant.breakers)
    return deps.tenants.get_fresh(tenant_id) if held else tenant


def _refuse(deps: Deps, claim: Chunk, request_id: str) -> Finished:
    """End a chunk that can't be delivered with a stored reason: its task would otherwise come back for ever."""
    notification = deps.notifications.get(claim.key.tenant, claim.key.notification_id)
    if notification is not None and is_open(notification, claim):
        store_end(deps, Begun(notification, claim), plan_without_recipients(notification, claim, deps.clock.now()), request_id)
        reason = RECIPIENTS_NOT_KEPT
    else:
        reason = "unknown_notification"
        deps.chunks.save_chunk(replace(claim, state=ChunkState.CANCELLED, reason=reason, next_check_at=None))
    deps.log.warning(reason, notification=claim.key.notification_id, chunk=claim.key.number)
    return Finished()
