"""One attempt at a claimed chunk: whom it is due for, whether the tenant may send, and what the answers say about the tenant's project."""

from __future__ import annotations

from functools import partial

from fanfare.domain.breaker import ALL
from fanfare.domain.chunk import Stop
from fanfare.domain.classification import Kind, ProjectAction
from fanfare.domain.delivery import Hold, expire, pending
from fanfare.domain.errors import CredentialRefused, Unavailable
from fanfare.domain.recipient import Recipient
from fanfare.domain.refused_forms import with_refused
from fanfare.domain.steering import stop_of
from fanfare.domain.tenant import hold_reason
from fanfare.ports import Deps
from fanfare.services.hold_tenant import open_tenant_breaker
from fanfare.services.pace_chunks import slow_down
from fanfare.services.retire_targets import retire_targets
from fanfare.services.send_pass import SendPass, Work


def attempt_chunk(deps: Deps, work: Work, done: SendPass) -> Hold | None:
    """Send to whoever is due, and say why the tenant is held afterwards, if it is."""
    now = deps.clock.now()
    rows = pending(work.recipients, done.results, now)
    stop = stop_of(work.notification, done.chunk)
    outlived = work.outlived(rows, now) if stop is not Stop.CANCEL else []
    if outlived:
        done.results.update(expire(outlived, done.results))
        rows = pending(rows, done.results, now)
    if now > work.expires_at and stop is not Stop.CANCEL:
        return None
    reason = hold_reason(work.tenant)
    if stop is not None or reason is not None:
        return Hold(reason) if reason is not None else None
    sendable = [row for row in rows if row.platform not in work.tenant.breakers]
    hold = _run(deps, work, done, sendable)
    if work.notification.layout is not None:
        _tell_other_chunks(deps, work, done)
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
    for platform in done.keyless:
        open_tenant_breaker(deps, work.tenant.id, platform, Kind.THIRD_PARTY_AUTH.value)
    return _break(deps, work, done.broken.detail) if done.broken else None


def _break(deps: Deps, work: Work, reason: str) -> Hold:
    open_tenant_breaker(deps, work.tenant.id, ALL, reason)
    return Hold(f"breaker_open:{reason}")


def _tell_other_chunks(deps: Deps, work: Work, done: SendPass) -> None:
    """Keep the notification's other chunks from running into the same refusals."""
    if forms := done.refused_forms():
        deps.notifications.update(work.tenant.id, work.notification.id, partial(with_refused, forms=forms))
    if done.is_rate_exceeded:
        slow_down(deps, work.tenant)
