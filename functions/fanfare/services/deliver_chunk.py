"""Delivering one chunk: claim, read, send, retire the dead, store, nudge what is to be tried again."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from fanfare.domain.breaker import ALL
from fanfare.domain.chunk import Busy, Chunk, ChunkKey, ChunkState, Finished, Stop, give_back, is_claim_of
from fanfare.domain.classification import Kind, ProjectAction
from fanfare.domain.dead_letter import dead_letter_of
from fanfare.domain.delivery import RECIPIENTS_NOT_KEPT, ChunkPlan, Hold, expire, is_open, pending, plan_without_recipients
from fanfare.domain.errors import CredentialRefused, Unavailable
from fanfare.domain.outcome import count
from fanfare.domain.recipient import Recipient
from fanfare.domain.steering import plan_end, stop_of
from fanfare.domain.tenant import Tenant, hold_reason
from fanfare.ports import Deps
from fanfare.services.hold_tenant import open_tenant_breaker
from fanfare.services.retire_targets import retire_targets
from fanfare.services.send_pass import ClaimLost, SendPass, Work, work_of

_END_TRIES = 5


def deliver_chunk(deps: Deps, key: ChunkKey, request_id: str = "") -> Busy | Finished:
    """Deliver a chunk unless another call does so; a repeat of the call is harmless."""
    claim = deps.notifications.claim(key, deps.identifiers.new_id(), deps.clock.now())
    if not isinstance(claim, Chunk):
        return claim
    work = _read(deps, claim)
    if work is None:
        return _refuse(deps, claim, request_id)
    done = SendPass(deps, work, claim, dict(claim.results))
    try:
        hold = _send(deps, work, done)
    except ClaimLost:
        deps.log.warning("claim_lost", notification=key.notification_id, chunk=key.number)
        return Finished()
    now = deps.clock.now()
    if deps.lifecycle.is_stopping() and hold is None and done.chunk.stop is None and pending(work.recipients, done.results, now):
        counts = count(done.results.values(), len(work.recipients))
        if deps.notifications.save_chunk(replace(give_back(done.chunk, now), results=done.results, counts=counts)) is not None:
            _remember(deps, done)
        return Busy(retry_after_seconds=1)
    if _end(deps, done, hold, request_id):
        _remember(deps, done)
    return Finished()


def _end(deps: Deps, done: SendPass, hold: Hold | None, request_id: str) -> bool:
    """Store the end of a pass; planned anew if somebody told it meanwhile to stop, or to go on after all. False: the claim was lost."""
    for _ in range(_END_TRIES):
        work = done.work
        if _store(deps, plan_end(work.notification, done.chunk, work.recipients, done.results, deps.clock.now(), hold), request_id):
            return True
        found = deps.notifications.get_with_chunk(done.chunk.key)
        if found is None or found[1] is None or not is_claim_of(found[1], done.chunk.owner):
            break
        done.work = replace(work, notification=found[0])
        done.chunk = replace(done.chunk, stop=found[1].stop, revision=found[1].revision)
    deps.log.warning("claim_lost", notification=done.chunk.key.notification_id, chunk=done.chunk.key.number)
    return False


def _remember(deps: Deps, done: SendPass) -> None:
    """Let the pass count for the brake, now that its results are stored: those of a pass that failed come in again with the next."""
    if done.tally is not None and done.tally.results:
        deps.answers.add(done.work.tenant.id, done.tally)


def _read(deps: Deps, chunk: Chunk) -> Work | None:
    found = deps.notifications.read_chunk(chunk.key)
    tenant = _tenant(deps, chunk.key.tenant)
    if found is None or tenant is None:
        return None
    notification, recipients = found
    return work_of(tenant, notification, recipients, chunk)


def _tenant(deps: Deps, tenant_id: str) -> Tenant | None:
    """The tenant; a hold that was cached is looked up again, because what is parked after its end would wait for nobody."""
    tenant = deps.tenants.get(tenant_id)
    held = tenant is not None and (hold_reason(tenant) is not None or tenant.breakers)
    return deps.tenants.get_fresh(tenant_id) if held else tenant


def _send(deps: Deps, work: Work, done: SendPass) -> Hold | None:
    """Send to whoever is due, and say why the tenant is held afterwards, if it is."""
    now = deps.clock.now()
    rows = pending(work.recipients, done.results, now)
    stop = stop_of(work.notification, done.chunk)
    if now > work.expires_at and stop is not Stop.CANCEL:
        done.results.update(expire(rows, done.results))
        return None
    reason = hold_reason(work.tenant)
    if stop is not None or reason is not None:
        return Hold(reason) if reason is not None else None
    sendable = [row for row in rows if row.platform not in work.tenant.breakers]
    hold = _run(deps, work, done, sendable)
    if not retire_targets(deps, work, done):
        return Hold("quarantined")
    return hold or (Hold("platform_breaker_open", frozenset(work.tenant.breakers)) if len(sendable) < len(rows) else None)


def _run(deps: Deps, work: Work, done: SendPass, rows: list[Recipient]) -> Hold | None:
    try:
        done.run(rows)
        if done.broken is not None and done.broken.rule.project is ProjectAction.RENEW_TOKEN:
            deps.sender.renew(work.tenant)
            done.run(pending(rows, done.results, deps.clock.now()))
    except CredentialRefused as error:
        return _break(deps, work, error.code)
    except Unavailable as error:
        # No access token or no receipt key: who was reached is known and kept, the others are tried again.
        deps.log.warning("pass_interrupted", tenant=work.tenant.id, cause=error.detail)
        return None
    for platform in {row.platform for row in rows if row.platform and _is_key_bad(done, row)}:
        open_tenant_breaker(deps, work.tenant.id, platform, Kind.THIRD_PARTY_AUTH.value)
    return _break(deps, work, done.broken.detail) if done.broken else None


def _is_key_bad(done: SendPass, row: Recipient) -> bool:
    verdict = done.verdicts.get(row.device_id)
    return verdict is not None and verdict.rule.project is ProjectAction.OPEN_PLATFORM_BREAKER


def _break(deps: Deps, work: Work, reason: str) -> Hold:
    open_tenant_breaker(deps, work.tenant.id, ALL, reason)
    return Hold(f"breaker_open:{reason}")


def _refuse(deps: Deps, claim: Chunk, request_id: str) -> Finished:
    """End a chunk that can't be delivered with a stored reason: its task would otherwise come back for ever."""
    notification = deps.notifications.get(claim.key.tenant, claim.key.notification_id)
    if notification is not None and is_open(notification, claim):
        _store(deps, plan_without_recipients(notification, claim, deps.clock.now()), request_id)
        reason = RECIPIENTS_NOT_KEPT
    else:
        reason = "unknown_notification"
        deps.notifications.save_chunk(replace(claim, state=ChunkState.CANCELLED, reason=reason, next_check_at=None))
    deps.log.warning(reason, notification=claim.key.notification_id, chunk=claim.key.number)
    return Finished()


def _store(deps: Deps, plan: ChunkPlan, request_id: str) -> bool:
    """Store a pass's end and nudge what comes next; False if the claim was lost, or if the chunk was told something else meanwhile."""
    chunk, counts = plan.chunk, plan.chunk.counts
    letter = dead_letter_of(chunk, deps.clock.now()) if chunk.state is ChunkState.DONE else None
    stored = deps.notifications.conclude(chunk, plan.notification, letter)
    if not stored:
        return False
    if plan.due_at is not None:
        deps.tasks.enqueue_send(chunk.key, request_id, plan.due_at)
    deps.log.info(
        "chunk_delivered",
        notification=chunk.key.notification_id,
        chunk=chunk.key.number,
        attempt=chunk.attempt,
        state=chunk.state.value,
        reason=chunk.reason,
        sent=counts.sent,
        failed=counts.failed,
        retrying=counts.retrying,
        unsent=counts.unsent,
        seconds=_seconds(chunk.started_at, deps.clock.now()),
    )
    return True


def _seconds(started: datetime, now: datetime) -> float:
    return round((now - started).total_seconds(), 3)
