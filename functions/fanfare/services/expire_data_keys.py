"""Data keys in cleanup: those that a rotation has retired go, once nothing needs them any more."""

from __future__ import annotations

from fanfare.domain.audit import AuditEntry
from fanfare.domain.retention import KEY_MARGIN, Cleaning, Kind, Swept
from fanfare.ports import Deps


def remove_data_keys(deps: Deps, cleaning: Cleaning) -> Swept:
    """Remove data keys that a rotation has retired, once nothing is left that was stored while they were in use.

    Devices and webhooks were written anew by the rotation; notifications go by their own retention, and shards are packed anew as their devices
    change.
    """
    retired = deps.retention.find_retired_keys(cleaning.tenant, cleaning.due[Kind.DATA_KEYS])
    tenant = deps.tenants.get_fresh(cleaning.tenant) if retired else None
    if tenant is None or tenant.rotation is not None:
        return Swept(0, more=False)
    unneeded = [
        key_id
        for key_id, at in retired.items()
        if key_id != tenant.data_key_id and not deps.retention.is_anything_older(cleaning.tenant, at + KEY_MARGIN)
    ]
    for key_id in unneeded:
        deps.retention.remove_data_key(cleaning.tenant, key_id)
    if unneeded:
        entry = AuditEntry("app.data_keys_removed", cleaning.actor, cleaning.now, (cleaning.tenant,), facts={"data_keys": ", ".join(unneeded)})
        deps.audit.record(cleaning.tenant, entry)
    return Swept(len(unneeded), more=False)
