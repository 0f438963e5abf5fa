"""Reading an API client out of a document that an operator may have edited by hand: total, and closed where it can't tell what is meant.

| what can't be read | the client |
|---|---|
| its tenant or its token's hash | is none |
| scopes, allowlist, a time that ends it | has no scope: it may do nothing |
| limits | has everybody's limits |
| anything else | goes on without it |
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from fanfare.domain.client import Client, Scope
from fanfare.domain.client_rules import read_allowlist, read_limits, read_scopes
from fanfare.domain.errors import InvalidRequest
from fanfare.domain.identifiers import is_identifier

T = TypeVar("T")
LONGEST_DEFECT = 300
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


def read_client(client_id: str, stored: Mapping[str, Any]) -> Client | None:
    """A client with what its document says, and the `defect` of what can't be used; None if nobody could be let in by it."""
    tenant, token_hash = stored.get("tenant"), stored.get("token_hash")
    if not isinstance(tenant, str) or not is_identifier(tenant) or not isinstance(token_hash, str):
        return None
    defects: list[str] = []
    name, days = stored.get("name"), stored.get("auto_rotate_days")
    client = Client(
        id=client_id,
        tenant=tenant,
        name=name if isinstance(name, str) else client_id,
        token_hash=token_hash,
        scopes=frozenset(),
        created_at=_time_or(stored.get("created_at"), _NEVER),
        limits=_read(defects, lambda: read_limits(stored.get("limits") or {}), {}),
        auto_rotate_days=days if isinstance(days, int) and not isinstance(days, bool) and days > 0 else None,
        last_used_at=_time_or(stored.get("last_used_at"), None),
        rotation_id=rotation if isinstance(rotation := stored.get("rotation_id"), str) else None,
    )
    allowed = _read(defects, lambda: _rights(stored), None)
    return replace(client, **(allowed or {}), defect="; ".join(defects)[:LONGEST_DEFECT] or None)


def _rights(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Everything that says who is let in, and to what: all of it can be read, or none of it is believed."""
    previous = stored.get("previous_token_hash")
    return {
        # A scope that a newer version knows is left out.
        "scopes": read_scopes([scope for scope in stored["scopes"] if scope in set(Scope)]) if _is_list(stored.get("scopes")) else read_scopes(None),
        "ip_allowlist": read_allowlist(stored.get("ip_allowlist") or ()),
        "expires_at": _time(stored, "expires_at"),
        "revoked_at": _time(stored, "revoked_at"),
        "previous_token_hash": previous if isinstance(previous, str) else None,
        "previous_valid_until": _time(stored, "previous_valid_until"),
    }


def _is_list(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _read(defects: list[str], read: Callable[[], T], otherwise: T) -> T:
    try:
        return read()
    except InvalidRequest as error:
        defects.append(error.detail)
        return otherwise


def _time(stored: Mapping[str, Any], name: str) -> datetime | None:
    value = stored.get(name)
    if value is not None and not isinstance(value, datetime):
        raise InvalidRequest.at(name, "must be a time")
    return value


def _time_or(value: object, otherwise: T) -> datetime | T:
    return value if isinstance(value, datetime) else otherwise
