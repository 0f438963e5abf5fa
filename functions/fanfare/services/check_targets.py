"""Asking FCM whether it knows targets, before devices are registered with them: a message to each that is checked and not delivered."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from fanfare.domain.classification import Kind, classify
from fanfare.domain.errors import CredentialRefused, FanfareError, InvalidRequest, NotFound, Unavailable
from fanfare.domain.target import Target
from fanfare.domain.tenant import Tenant
from fanfare.ports import Deps

_REFUSALS: Mapping[Kind, str] = {
    Kind.UNREGISTERED: "is not or no longer registered with FCM",
    Kind.BAD_TARGET: "is no target that FCM knows",
    Kind.SENDER_ID_MISMATCH: "belongs to another Firebase project",
}
_WAIT_SECONDS = 30


def check_targets(deps: Deps, tenant_id: str, targets: Iterable[Target]) -> Mapping[Target, FanfareError]:
    """Which targets can't be registered: InvalidRequest for those that FCM refuses, Unavailable for those that it could not be asked about."""
    asked = list(dict.fromkeys(targets))
    if not asked:
        return {}
    tenant = deps.tenants.get(tenant_id)
    if tenant is None:
        raise NotFound.of("tenant")
    kinds = _ask(deps, tenant, asked)
    return {target: error for target in asked if (error := _error(target, kinds.get(target, Kind.NO_ANSWER))) is not None}


def _ask(deps: Deps, tenant: Tenant, targets: list[Target]) -> dict[Target, Kind]:
    """Ask about all of them at once; where the project itself can't be spoken to, what was not answered is missing."""
    kinds: dict[Target, Kind] = {}
    bodies = ((str(number), _body(target)) for number, target in enumerate(targets))
    try:
        for batch in deps.sender.send(tenant, bodies):
            kinds.update((targets[int(number)], classify(answer).kind) for number, answer in batch)
    except (Unavailable, CredentialRefused) as refused:
        deps.log.warning("targets_not_checked", tenant=tenant.id, reason=type(refused).__name__)
    return kinds


def _body(target: Target) -> bytes:
    return json.dumps({"validate_only": True, "message": {target.kind.value: target.value}}).encode()


def _error(target: Target, kind: Kind) -> FanfareError | None:
    if kind is Kind.ACCEPTED:
        return None
    if kind in _REFUSALS:
        return InvalidRequest.at(target.kind.value, _REFUSALS[kind])
    return Unavailable("FCM can't be asked about this target now.", retry_after_seconds=_WAIT_SECONDS)
