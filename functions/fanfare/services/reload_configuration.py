"""Reloading: every instance reads anew what it keeps of a tenant, and whether the tenant can send now is told at once.

The version stands in the tenant's document. Each instance reads that again after 60 seconds at the latest; what it has kept under another version
(templates, the credential with its access token) is not used any more from then on. The instance that raises it does so at once.
"""

from __future__ import annotations

from dataclasses import replace

from fanfare.domain.audit import trail
from fanfare.domain.call import Call
from fanfare.domain.classification import RULES, MessageAction
from fanfare.domain.errors import Conflict, Unavailable
from fanfare.domain.tenant import Tenant
from fanfare.ports import Deps
from fanfare.services.apps import get_app
from fanfare.services.credentials import ask_fcm


def reload_configuration(deps: Deps, call: Call) -> Tenant:
    """Raise the version of the tenant's configuration, try its credential, and return the tenant.

    Unavailable if Firestore or Google does not answer, Conflict if Google refuses the credential (the version is raised then), NotFound.
    """
    tenant = get_app(deps, call.tenant)
    entry = trail("app.reloaded", call.actor, deps.clock.now())
    raised = deps.tenants.update(tenant.id, lambda stored: replace(stored, config_version=stored.config_version + 1), entry) or tenant
    result = ask_fcm(deps, raised)
    if result.is_accepted:
        return raised
    if RULES[result.kind].message is MessageAction.RETRY:
        raise Unavailable(f"The configuration is reloaded; FCM can't check the credential now ({result.code}).")
    raise Conflict(f"The configuration is reloaded; Google refuses the credential: {result.code}.")
