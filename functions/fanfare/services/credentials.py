"""A tenant's FCM credential: stored as a new version, tried with a dry run, and only then used.

| broken off after | what is stored | a repeat |
|---|---|---|
| the new version was stored | a version that nothing names; the old one is used | stores another; the left-over is disabled with the switch |
| the dry run | likewise | likewise |
| the switch | the new one is used, the old one is still enabled | disables it |
| the old one was disabled | all | changes nothing but the version |

Of two who replace a credential at the same time one wins: the switch is guarded by the version that both began with.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from fanfare.domain.audit import trail
from fanfare.domain.call import Call
from fanfare.domain.classification import Kind
from fanfare.domain.credential import ServiceAccount
from fanfare.domain.dry_run import BODY, DryRun, check_accepted, judge
from fanfare.domain.errors import Conflict, CredentialRefused, InvalidRequest, Unavailable
from fanfare.domain.tenant import Tenant
from fanfare.ports import Deps


def replace_credential(deps: Deps, call: Call, tenant: Tenant, account: ServiceAccount) -> Tenant:
    """Make a service account the credential of a tenant (as it is stored now) and return the tenant.

    InvalidRequest if it is another project's or Google refuses it, Conflict if it was replaced meanwhile or another tenant owns the project: then
    everything is as it was. Unavailable where Google or Firestore does not answer.
    """
    check_project(tenant.firebase_project_id, account)
    version = store_checked(deps, tenant, account)
    now = deps.clock.now()
    try:
        deps.tenants.claim_project(tenant, now)
        switched = _switch(deps, call, tenant, version, now)
    except Conflict:
        discard(deps, tenant, version)
        raise
    _disable_older(deps, switched, version)
    return switched


def check_project(project_id: str, account: ServiceAccount) -> None:
    """Refuse a service account of another project than the tenant's: its devices are registered there and nowhere else."""
    if account.project_id != project_id:
        raise InvalidRequest.at("credential.project_id", f"must be {project_id}, the tenant's own project")


def store_checked(deps: Deps, tenant: Tenant, account: ServiceAccount) -> str:
    """Store a new version of a tenant's credential and try it; returns its number. What does not pass is destroyed again."""
    version = deps.credentials.store(tenant.credential_secret, account.to_bytes())
    try:
        check_accepted(ask_fcm(deps, replace(tenant, credential_version=version)))
    except (InvalidRequest, Unavailable):
        discard(deps, tenant, version)
        raise
    return version


def ask_fcm(deps: Deps, tenant: Tenant) -> DryRun:
    """Let FCM check a message with the tenant's credential, with a new access token; Unavailable if nobody answers."""
    deps.sender.renew(tenant)
    try:
        answers = [answer for batch in deps.sender.send(tenant, [("", BODY)]) for _, answer in batch]
    except CredentialRefused as refused:
        return DryRun(Kind.UNAUTHENTICATED, refused.code, 0)
    result = judge(answers[0]) if answers else None
    if result is None or result.kind is Kind.NO_ANSWER:
        raise Unavailable("FCM does not answer.")
    return result


def discard(deps: Deps, tenant: Tenant, version: str) -> None:
    """Destroy a version that is used by nothing; left over where Secret Manager does not answer, it is disabled with the next replacement."""
    with suppress(Unavailable):
        deps.credentials.destroy(tenant.credential_secret, version)


def _switch(deps: Deps, call: Call, tenant: Tenant, version: str, now: datetime) -> Tenant:
    def decide(stored: Tenant) -> Tenant | None:
        if stored.credential_version != tenant.credential_version:
            return None
        # What the old credential broke is probed with the next tick, not after the wait that its failures have grown to.
        breakers = {scope: replace(breaker, probe_at=now) for scope, breaker in stored.breakers.items()}
        return replace(stored, credential_version=version, breakers=breakers)

    facts = {"version": version, "version_before": tenant.credential_version or ""}
    stored = deps.tenants.update(tenant.id, decide, trail("app.credential_replaced", call.actor, now, facts))
    if stored is None or stored.credential_version != version:
        raise Conflict("The credential was replaced by somebody else meanwhile.")
    return stored


def _disable_older(deps: Deps, tenant: Tenant, version: str) -> None:
    """The new credential is in use, so that nothing is lost if this fails: the next replacement disables what is left."""
    try:
        deps.credentials.disable_older(tenant.credential_secret, version)
    except Unavailable as error:
        deps.log.warning("old_credential_still_enabled", tenant=tenant.id, cause=error.detail)
