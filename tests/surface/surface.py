"""The public surface on fakes, and what is stored behind it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from flask import Flask

from fanfare.domain.edge import EdgeRules
from fanfare.domain.id_token import TokenSubject
from fanfare.domain.limits import LimitGroup
from fanfare.domain.tenant_settings import TenantSettings
from fanfare.ports import Deps
from fanfare.web.api import build_api
from tests.factories import NOW, TENANT_ID, a_client, a_tenant, client_token
from tests.fakes import ScriptedUserAuthenticator, fake_deps

PREFIX = "/api/v1"
CONSOLE, PAGE, OTHERS_PAGE, EVIL = "https://console.example.com", "https://app.example.com", "https://app.globex.example", "https://evil.example"
USER_TOKEN = "header.claims.signature"
CREDENTIALS = {"Client-ID": "client-1", "Client-Token": client_token()}
BEARER = {"Authorization": f"Bearer {USER_TOKEN}"}
WRITING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
STORES = (
    "clients",
    "tenants",
    "profiles",
    "devices",
    "topics",
    "templates",
    "segments",
    "webhooks",
    "schedules",
    "notifications",
    "receipts",
    "idempotency",
    "audit",
    "credentials",
    "tasks",
    "poison",
)
_ARGUMENT = re.compile(r"<[^>]+>")


def some_deps(**overrides: Any) -> Deps:
    """Two tenants, each with a page of its own; a client and a user of the first."""
    users = ScriptedUserAuthenticator({USER_TOKEN: TokenSubject(f"{TENANT_ID}-app", "uid-1")})
    deps = fake_deps(**{"users": users, "edge": EdgeRules(cors_origins=(CONSOLE,)), **overrides})
    for tenant, page in ((TENANT_ID, PAGE), ("globex", OTHERS_PAGE)):
        deps.tenants.create(replace(a_tenant(id=tenant), settings=TenantSettings(cors_origins=(page,))))
    deps.clients.create(a_client(last_used_at=NOW, limits=dict.fromkeys(LimitGroup, 100_000)))
    return deps


def routes_of(app: Flask, methods: frozenset[str] = WRITING) -> list[tuple[str, str]]:
    """Every (method, path) of an app, whatever stands for the arguments."""
    return sorted((method, _ARGUMENT.sub("x", rule.rule)) for rule in app.url_map.iter_rules() for method in (rule.methods or set()) & methods)


def all_routes(methods: frozenset[str] = WRITING) -> list[tuple[str, str]]:
    """Every (method, path) of the API; the daemon's routes beside it take forms and answer in a shape of their own (`test_daemon_routes.py`)."""
    return [(method, path) for method, path in routes_of(build_api(fake_deps()), methods) if path.startswith(PREFIX)]


def stored(deps: Deps) -> dict[str, str]:
    """Everything that the fakes keep, in words."""
    return {name: repr({key: kept for key, kept in vars(getattr(deps, name)).items() if isinstance(kept, dict | list | set)}) for name in STORES}
