from __future__ import annotations

from dataclasses import replace

import pytest

from fanfare.domain.errors import Conflict, CredentialRefused, NotFound, Unavailable
from fanfare.domain.tenant import PLATFORM_TENANT
from fanfare.ports import Deps
from fanfare.services.reload_configuration import reload_configuration
from tests.factories import TENANT_ID, a_call, a_tenant
from tests.fakes import MemoryAuditStore, ScriptedPushSender, fake_deps


@pytest.fixture
def deps() -> Deps:
    deps = fake_deps()
    deps.tenants.create(a_tenant())
    return deps


def version(deps: Deps) -> int:
    tenant = deps.tenants.get(TENANT_ID)
    assert tenant is not None
    return tenant.config_version


def test_reload_raises_the_version_with_an_audit_entry(deps: Deps) -> None:
    assert reload_configuration(deps, a_call()).config_version == 1
    assert version(deps) == 1
    assert isinstance(deps.audit, MemoryAuditStore)
    ((tenant, entry),) = deps.audit.entries
    assert (tenant, entry.action, entry.resource_ids) == (TENANT_ID, "app.reloaded", (TENANT_ID,))
    assert (entry.changes["config_version"].before, entry.changes["config_version"].after) == ("0", "1")


def test_credential_that_google_refuses_is_told_of_after_the_reload(deps: Deps) -> None:
    broken = replace(deps, sender=ScriptedPushSender(failure=CredentialRefused("CREDENTIAL_MISSING")))
    with pytest.raises(Conflict, match="CREDENTIAL_MISSING"):
        reload_configuration(broken, a_call())
    assert version(deps) == 1


def test_silence_of_fcm_says_nothing_about_the_credential(deps: Deps) -> None:
    with pytest.raises(Unavailable):
        reload_configuration(replace(deps, sender=ScriptedPushSender(failure=Unavailable("It does not answer."))), a_call())


@pytest.mark.parametrize("tenant", ["nobody", PLATFORM_TENANT])
def test_who_has_no_app_has_nothing_to_reload(deps: Deps, tenant: str) -> None:
    with pytest.raises(NotFound):
        reload_configuration(deps, a_call(tenant=tenant))
