"""`/apps/{id}/rotate-keys` from outside: who may begin a rotation and see it, while everything else goes on.

A whole rotation takes nine minutes, because it waits for every instance; `tests/contract/test_key_rotation.py` moves the clock instead.
"""

from __future__ import annotations

import pytest

from fanfare.domain.client import Scope
from fanfare.domain.tenant import PLATFORM_TENANT
from fanfare.ports import Deps
from local.stack import Stack
from tests.e2e.harness import Api, Tenant, fresh, problem_of, wait_for_status


@pytest.fixture(scope="module")
def admin(tenant: Tenant) -> Api:
    """An admin of the file's tenant."""
    return tenant.api(Scope.ADMIN, Scope.SEND, Scope.READ, Scope.DEVICES)


def _path(tenant_id: str) -> str:
    return f"/apps/{tenant_id}/rotate-keys"


def test_only_admins_of_the_tenant_and_the_platform_see_it(deps: Deps, stack: Stack, tenant: Tenant, admin: Api, platform: Api) -> None:
    other = Tenant.create(deps, stack)
    for method in ("GET", "POST"):
        assert problem_of(tenant.api(Scope.SEND, Scope.READ).call(method, _path(tenant.id)), 403)["code"] == "forbidden"
        assert problem_of(other.api(Scope.ADMIN).call(method, _path(tenant.id)), 404)["code"] == "not_found"
        assert problem_of(platform.call(method, _path("nobody")), 404)["code"] == "not_found"
    idle = {"id": tenant.id, "phase": None, "started_at": None, "due_at": None, "done": None, "rotated_at": None}
    assert admin.get(_path(tenant.id)) == platform.get(_path(tenant.id)) == idle
    other.close()


def test_rotation_is_begun_once_and_everything_goes_on(tenant: Tenant, admin: Api, platform: Api) -> None:
    name = fresh("person")
    before = admin.register(username=name)
    begun = admin.post(_path(tenant.id), None, 202)
    assert (begun["id"], begun["phase"], begun["done"], begun["rotated_at"]) == (tenant.id, "announced", 0, None)
    assert begun["started_at"] < begun["due_at"]
    assert platform.post(_path(tenant.id), None, 202) == admin.get(_path(tenant.id)) == begun
    after = admin.register(username=name)
    status = wait_for_status(admin, admin.send({"usernames": [name]}))
    assert (status["counts"]["targeted"], status["counts"]["sent"]) == (2, 2)
    assert {device["id"] for device in admin.get("/devices/", params={"limit": 100})["items"]} >= {before["id"], after["id"]}
    actions = [entry["action"] for entry in admin.get("/audit/", params={"resource": "app", "limit": 100})["items"]]
    assert actions.count("app.key_rotation_begun") == 1


def test_platforms_own_keys_are_rotated_too(platform: Api) -> None:
    assert platform.post(_path(PLATFORM_TENANT), None, 202)["phase"] == "announced"
