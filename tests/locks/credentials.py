"""Credentials that open nothing, each with the name of its lock."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from fanfare.domain.client import TENANT_SCOPES, Scope, hash_token
from fanfare.web.gate import Access
from tests.locks.world import INSIDE, OUTSIDE, World, a_credential

_MINUTE = timedelta(minutes=1)
_FENCE = {"ip_allowlist": ("203.0.113.0/24",)}


def client_locks(world: World) -> dict[str, dict[str, str]]:
    """Every way to come with no good Client-ID and Client-Token: all of them must be answered alike."""
    now, owner = world.deps.clock.now(), world.acme.owner
    token, other = owner["Client-Token"], world.globex.owner
    ended = {"expires_at": now - _MINUTE}
    return {
        "no credential": {},
        "a Client-ID alone": {"Client-ID": owner["Client-ID"]},
        "a token alone": {"Client-Token": token},
        "an unknown client": {"Client-ID": world.names.new_name("client"), "Client-Token": world.names.new_secret("unknown")},
        "a wrong token": {**owner, "Client-Token": f"{owner['Client-ID']}.{world.names.new_secret('wrong')}"},
        "the token of another tenant's client": {**owner, "Client-Token": other["Client-Token"]},
        "a wrong token while another one is in its grace": {
            **rotated(world, grace_ends=now + timedelta(days=1))["new"],
            "Client-Token": world.names.new_secret("wrong"),
        },
        "a stored hash as token": {**owner, "Client-Token": hash_token(token)},
        "an expired token": _acmes(world, **ended),
        "a revoked client": _acmes(world, revoked_at=now - _MINUTE),
        "a token rotated out, past its grace": rotated(world, grace_ends=now - _MINUTE)["old"],
        "a token rotated out without grace": rotated(world, grace_ends=None)["old"],
        "an address outside the allowlist": {**_acmes(world, **_FENCE), "X-Forwarded-For": OUTSIDE},
        "an address that the caller made up": {**_acmes(world, **_FENCE), "X-Forwarded-For": f"{INSIDE}, {OUTSIDE}"},
        "no address that can be read": {**_acmes(world, **_FENCE), "X-Forwarded-For": "unknown"},
        "a cookie": {"Cookie": f"Client-ID={owner['Client-ID']}; Client-Token={token}"},
        "a password of HTTP": {"Authorization": "Basic " + _basic(owner)},
    }


_ANOTHERS_OWN = "the token of another tenant's client"
"""Names its own client, so that as a key it opens for that one."""


def key_locks(world: World, locks: Mapping[str, Mapping[str, str]], access: Access) -> dict[str, dict[str, str]]:
    """The same locks where a client comes with its token alone; elsewhere a good key, which opens nothing there."""
    token = world.acme.owner["Client-Token"]
    taken = {"X-Access-Key": access.access_key, "Authorization": access.bearer_token or access.users}
    good = {"X-Access-Key": token, "Authorization": f"Bearer {token}"}
    useless = {f"a token alone in {name}, on a route that takes none there": {name: good[name]} for name, takes in taken.items() if not takes}
    if access.bearer_token:
        return {**useless, **_alone(locks, "Authorization", "Bearer ")}
    return {**useless, **(_alone(locks, "X-Access-Key") if access.access_key else {})}


def _alone(locks: Mapping[str, Mapping[str, str]], header: str, before: str = "") -> dict[str, dict[str, str]]:
    bad = {name: dict(headers) for name, headers in locks.items() if "Client-Token" in headers and name not in {_ANOTHERS_OWN, "a token alone"}}
    keys = {f"{name}, alone in {header}": {header: before + headers.pop("Client-Token"), **headers} for name, headers in bad.items()}
    return {name: {key: value for key, value in headers.items() if key != "Client-ID"} for name, headers in keys.items()}


def good_credentials(world: World) -> dict[str, dict[str, str]]:
    """The same clients where nothing is wrong: without them the locks would prove nothing."""
    now = world.deps.clock.now()
    later = rotated(world, grace_ends=now + _MINUTE)
    return {
        "the client itself": world.acme.owner,
        "before the expiry": _acmes(world, expires_at=now + timedelta(days=1)),
        "a new token after a rotation": later["new"],
        "a token rotated out, within its grace": later["old"],
        "a new token, past the other's grace": rotated(world, grace_ends=now - _MINUTE)["new"],
        "an address inside the allowlist": {**_acmes(world, **_FENCE), "X-Forwarded-For": f"{OUTSIDE}, {INSIDE}"},
    }


def scope_locks(world: World, access: Access) -> dict[str, dict[str, str]]:
    """Clients of the tenant that lack a route's scope, whatever else they have, and the platform's where the route is not for it."""
    others = TENANT_SCOPES - set(access.scopes)
    lacking = {"every other scope": _acmes(world, scopes=others)} if others else {}
    platform = {} if Scope.PLATFORM in access.scopes else {"the platform's client": dict(world.platform)}
    return {**lacking, **platform, "no scope at all": _acmes(world, scopes=frozenset())}


def colleague(world: World) -> dict[str, str]:
    """A client of the tenant with every scope but the one that makes it an admin of the others."""
    return _acmes(world, scopes=TENANT_SCOPES - {Scope.ADMIN})


def user_locks(world: World) -> dict[str, dict[str, str]]:
    """ID tokens that identify nobody here: all of them must be answered alike."""
    project, now = world.acme.project, world.deps.clock.now().timestamp()
    claims = {"aud": project, "iss": f"https://securetoken.google.com/{project}", "sub": "uid", "iat": now, "auth_time": now, "exp": now + 3600}
    return {
        "no ID token at all": {"Authorization": "Bearer"},
        "a text that is no ID token": {"Authorization": f"Bearer {world.names.new_secret('bearer')}"},
        "a client's token for an ID token": {"Authorization": f"Bearer {world.acme.owner['Client-Token']}"},
        "an ID token signed with a shared secret": world.bearer_of({"alg": "HS256", "kid": "1"}, claims, "c2lnbmF0dXJl"),
        "an ID token that names no key": world.bearer_of({"alg": "RS256"}, claims, "c2lnbmF0dXJl"),
        "an expired ID token": world.bearer(project, exp=now - 60),
        "an ID token of tomorrow": world.bearer(project, iat=now + 86_400),
        "an ID token of another issuer": world.bearer(project, iss=f"https://evil.example/{project}"),
        "an ID token of nobody": world.bearer(project, sub=None),
        "an ID token of a project that no tenant has": world.bearer(world.names.new_project()),
    }


def rotated(world: World, *, grace_ends: Any) -> dict[str, dict[str, str]]:
    """A rotated client with both its tokens."""
    old = _tokens(world)
    new = a_credential(world.deps, world.names, tenant=world.acme.id, previous_token_hash=hash_token(old), previous_valid_until=grace_ends)
    return {"new": new, "old": {**new, "Client-Token": old}}


def _tokens(world: World) -> str:
    return world.names.new_secret("rotated-out")


def _acmes(world: World, **fields: Any) -> dict[str, str]:
    return a_credential(world.deps, world.names, tenant=world.acme.id, **fields)


def _basic(owner: Mapping[str, str]) -> str:
    return b64encode(f"{owner['Client-ID']}:{owner['Client-Token']}".encode()).decode()
