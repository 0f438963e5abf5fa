"""What the fields of an API client may hold, and who may give them.

Nobody gives a right that isn't theirs: a tenant's admin gives any scope of a tenant, `platform` goes only from a platform client to a client of the
platform's own tenant. Nobody locks themselves out: a client neither revokes itself nor takes its own right to administer or its last request, nor
allows only addresses that it does not call from. So whoever changed a tenant's clients last is still its admin, and where all are lost, the platform
makes a new one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from fanfare.domain.callers import MOST_RANGES, is_in_ranges, parse_ranges
from fanfare.domain.client import TENANT_SCOPES, Client, Scope
from fanfare.domain.errors import Conflict, Forbidden, InvalidRequest
from fanfare.domain.limits import LARGEST_LIMIT, LimitGroup
from fanfare.domain.tenant import PLATFORM_TENANT

LONGEST_AUTO_ROTATE_DAYS = 365
LONGEST_LIFE = timedelta(days=3_650)
_ADMINISTERING = frozenset({Scope.ADMIN, Scope.PLATFORM})


def changed_client(client: Client, given: Mapping[str, Any], now: datetime) -> Client:
    """Change the fields that are given (None takes a field back to nothing); InvalidRequest names what is wrong."""
    fields = {name: value for name, value in given.items() if name == "name"}
    if "scopes" in given:
        fields["scopes"] = read_scopes(given["scopes"])
    if "ip_allowlist" in given:
        fields["ip_allowlist"] = read_allowlist(given["ip_allowlist"] or ())
    if "limits" in given:
        fields["limits"] = read_limits(given["limits"] or {})
    return replace(client, **fields, **_ends(client, given, now))


def check_grant(scopes: Collection[Scope], tenant: str, giver: Client) -> None:
    """Refuse scopes that a giver may not give to a client of a tenant."""
    if tenant != PLATFORM_TENANT and Scope.PLATFORM in scopes:
        raise InvalidRequest.at("scopes", "platform is for the platform's own clients")
    if Scope.PLATFORM in scopes and Scope.PLATFORM not in giver.scopes:
        raise Forbidden("Only a platform client gives the scope platform.", Scope.PLATFORM)


def check_not_locked_out(before: Client, after: Client, caller_id: str, address: str | None) -> None:
    """Refuse that a caller takes its own client's right to administer, allows it no requests, or shuts out the address that it calls from."""
    if after.id != caller_id:
        return
    if (before.scopes & _ADMINISTERING) - after.scopes:
        raise Conflict("A client can't take its own right to administer: another admin must do it.")
    if after.limits.get(LimitGroup.OTHER) == 0:
        raise InvalidRequest.at("limits.other", "would leave the client that you call with no request to change it again")
    if after.ip_allowlist != before.ip_allowlist and after.ip_allowlist and not is_in_ranges(address or "", after.ip_allowlist):
        raise InvalidRequest.at("ip_allowlist", "does not hold the address that you call from")


def read_scopes(given: object) -> frozenset[Scope]:
    """At least one scope; InvalidRequest names one that does not exist."""
    if not isinstance(given, Collection) or isinstance(given, str | Mapping) or not given:
        raise InvalidRequest.at("scopes", "must be a list of at least one")
    known = {scope.value for scope in Scope}
    for index, scope in enumerate(given):
        if not isinstance(scope, str) or scope not in known:
            raise InvalidRequest.at(f"scopes.{index}", f"must be one of {', '.join(sorted(TENANT_SCOPES))}")
    return frozenset(Scope(scope) for scope in given)


def read_allowlist(given: object) -> tuple[str, ...]:
    """Address ranges; none lets every address in."""
    if not isinstance(given, list | tuple) or len(given) > MOST_RANGES:
        raise InvalidRequest.at("ip_allowlist", f"must be a list of at most {MOST_RANGES} ranges")
    for index, text in enumerate(given):
        if not isinstance(text, str):
            raise InvalidRequest.at(f"ip_allowlist.{index}", "must be a text")
    return parse_ranges(given, "ip_allowlist")


def read_limits(given: object) -> Mapping[str, int]:
    """Requests a minute by group; a group that is not given has everybody's limit."""
    if not isinstance(given, Mapping):
        raise InvalidRequest.at("limits", "must be an object")
    groups = {group.value for group in LimitGroup}
    for group, limit in given.items():
        if group not in groups:
            raise InvalidRequest.at(f"limits.{group}", f"is no group of routes; there are {', '.join(LimitGroup)}")
        if isinstance(limit, bool) or not isinstance(limit, int) or not 0 <= limit <= LARGEST_LIMIT:
            raise InvalidRequest.at(f"limits.{group}", f"must be a whole number from 0 to {LARGEST_LIMIT}")
    return dict(given)


def _ends(client: Client, given: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """When a client ends: where it is rotated automatically, so many days from now, else when it is told to."""
    days = given.get("auto_rotate_days", client.auto_rotate_days)
    if given.get("expires_at") is not None:
        if days is not None:
            raise InvalidRequest.at("expires_at", "follows from auto_rotate_days; give one of them")
        if not now < given["expires_at"] <= now + LONGEST_LIFE:
            raise InvalidRequest.at("expires_at", "must lie in the future, at most ten years away")
    if given.get("auto_rotate_days") is not None:
        if not 1 <= days <= LONGEST_AUTO_ROTATE_DAYS:
            raise InvalidRequest.at("auto_rotate_days", f"must be from 1 to {LONGEST_AUTO_ROTATE_DAYS}")
        return {"auto_rotate_days": days, "expires_at": now + timedelta(days=days)}
    return {name: given[name] for name in ("auto_rotate_days", "expires_at") if name in given}
