"""The last phase of a rotation of keys."""

from __future__ import annotations

from fanfare.domain.tenant import Tenant
from fanfare.ports import Deps
from fanfare.services.rewrite_documents import PAGE, Piece, reseal_webhooks


def clear_locks(deps: Deps, tenant: Tenant, after: str | None) -> Piece:
    """Remove locks that nobody holds by now; where there are none left, the old data key is only for reading what is still under way.

    Before that the webhooks are sealed anew: they are few, and no phase of their own is worth an instance that does not know it.
    """
    retiring = tenant.rotation.retiring if tenant.rotation else ""
    if after is None:
        reseal_webhooks(deps, tenant)
    removed = deps.devices.remove_locks(tenant.id, retiring, PAGE) + deps.profiles.remove_locks(tenant.id, retiring, PAGE)
    if removed:
        return Piece(removed, retiring)
    deps.tenants.settle_data_keys(tenant.id, tenant.data_key_id, deps.clock.now())
    return Piece(0, None)
