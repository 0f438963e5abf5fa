"""Two tenants and the platform, with everybody who may try to get in: by a credential that is good, and by each kind that is not."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property
from json import dumps
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from fanfare.domain.client import TENANT_SCOPES, Client, Scope, format_token, hash_token
from fanfare.domain.id_token import ISSUER
from fanfare.domain.limits import LARGEST_LIMIT, LimitGroup
from fanfare.domain.tenant import PLATFORM_TENANT
from fanfare.ports import Deps
from fanfare.services.provision import create_tenant, ensure_platform
from fanfare.web.api import build_api
from tests.locks.asking import PREFIX
from tests.locks.fields import Document
from tests.locks.home import Home, OwnThings
from tests.locks.names import Names
from tests.locks.place import Nowhere

Headers = Mapping[str, str]
Snapshot = Mapping[str, object]
INSIDE, OUTSIDE = "203.0.113.9", "198.51.100.7"
PAGE = "https://app.acme.example"
_HOUR = timedelta(hours=1)


@dataclass
class World:
    """Everything that a walk works with. `snapshot` reads what is stored, refusals and rate counters left out."""

    deps: Deps
    app: Flask
    phone: FlaskClient
    names: Names
    snapshot: Callable[[], Snapshot]
    acme: Home
    globex: Home
    nowhere: Nowhere
    platform: Headers
    second_platform: Headers
    second: Headers
    page: Headers

    @classmethod
    def build(cls, deps: Deps, names: Names, snapshot: Callable[[], Snapshot]) -> World:
        """Set the tenants up as whoever deploys does, and everything else through the API."""
        app = build_api(deps)
        phone = app.test_client(use_cookies=False)  # A jar of its own would replace the cookies that a lock is tried with.
        ensure_platform(deps)
        homes = [_home(deps, phone, names, name) for name in ("acme", "globex")]
        acme, globex = homes
        platform, second_platform = (a_credential(deps, names, tenant=PLATFORM_TENANT, scopes=frozenset({Scope.PLATFORM})) for _ in range(2))
        acme.made("PUT /apps/<id>", {"cors_origins": [PAGE]}, id=acme.id)
        second = a_credential(deps, names, tenant=acme.id)
        return cls(deps, app, phone, names, snapshot, acme, globex, Nowhere(names), platform, second_platform, second, {"Origin": PAGE})

    @cached_property
    def document(self) -> Document:
        """What the API says of itself."""
        return Document(self.phone.get(f"{PREFIX}/openapi.json").json)

    def user(self, home: Home) -> OwnThings:
        """A new user of a tenant's app."""
        return OwnThings(self.phone, self.names, self.bearer(home.project), home)

    def bearer(self, project: str, **claims: Any) -> dict[str, str]:
        """An ID token of a new user as the Auth emulator makes it, unsigned; a claim that is None is left out."""
        now = self.deps.clock.now().timestamp()
        usual = {"aud": project, "iss": ISSUER + project, "sub": self.names.new_name("uid"), "iat": now, "auth_time": now, "exp": now + 3600}
        return self.bearer_of({"alg": "none", "typ": "JWT"}, {name: value for name, value in (usual | claims).items() if value is not None})

    def bearer_of(self, header: Mapping[str, Any], claims: Mapping[str, Any], signature: str = "") -> dict[str, str]:
        """Any token at all."""
        token = ".".join([*(urlsafe_b64encode(dumps(part).encode()).rstrip(b"=").decode() for part in (header, claims)), signature])
        self.names.keep_secrets([token])
        return {"Authorization": f"Bearer {token}"}


def a_credential(deps: Deps, names: Names, *, tenant: str, scopes: frozenset[Scope] = TENANT_SCOPES, **fields: Any) -> dict[str, str]:
    """The headers of a new client. Its use is noted in advance: otherwise its first request of a day would write."""
    client = a_lock_client(deps, names, tenant, scopes)
    token = format_token(client.id, names.new_secret("client"))
    names.keep_secrets([token])
    deps.clients.create(replace(client, **{"token_hash": hash_token(token), **fields}))
    # Whoever is read for the first time is looked at for hand edits; one without scopes is noted as broken.
    deps.clients.get(client.id)
    return {"Client-ID": client.id, "Client-Token": token}


def a_lock_client(deps: Deps, names: Names, tenant: str, scopes: frozenset[Scope]) -> Client:
    """A client that no limit of requests stops."""
    now, limits = deps.clock.now(), dict.fromkeys(LimitGroup, LARGEST_LIMIT)
    return Client(names.new_name("client"), tenant, "A client of the walk", "", scopes, now - _HOUR, limits=limits, last_used_at=now + 48 * _HOUR)


def _home(deps: Deps, phone: FlaskClient, names: Names, name: str) -> Home:
    tenant = create_tenant(deps, names.new_name(name), names.new_account(names.new_project()))
    return Home(deps, phone, names, tenant, a_credential(deps, names, tenant=tenant.id))
