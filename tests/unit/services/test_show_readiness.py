"""What an operator asks first is answered whatever is down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from fanfare.domain.breaker import open_breaker
from fanfare.domain.client import Scope
from fanfare.domain.errors import Unavailable
from fanfare.domain.health import ComponentHealth, State
from fanfare.domain.tenant import Tenant
from fanfare.services.show_readiness import show_readiness
from tests.factories import NOW, a_client, a_tenant
from tests.fakes import FixedHealth, MemoryTenantStore, fake_deps

PLATFORM = a_client(scopes=frozenset({Scope.PLATFORM}))


class _Silent(MemoryTenantStore):
    """A database that answers nothing; `asked` counts."""

    asked = 0

    def find_needing_attention(self, before: datetime, limit: int) -> Sequence[Tenant]:
        self.asked += 1
        raise Unavailable("Firestore does not answer.")


def test_held_tenants_are_shown() -> None:
    tenants = MemoryTenantStore()
    tenants.create(replace(a_tenant(), breakers=open_breaker({}, "all", "unauthenticated", NOW) or {}))
    found = show_readiness(fake_deps(tenants=tenants), PLATFORM)
    assert [tenant.id for tenant in found.held or ()] == [a_tenant().id]
    assert {component.state for component in found.components.values()} == {State.OK}


def test_database_that_does_not_answer_leaves_open_who_is_held() -> None:
    tenants = _Silent()
    assert show_readiness(fake_deps(tenants=tenants), PLATFORM).held is None
    assert tenants.asked == 1


def test_database_that_is_known_to_be_down_is_not_waited_for() -> None:
    tenants, down = _Silent(), FixedHealth({"firestore": ComponentHealth(State.DOWN)})
    found = show_readiness(fake_deps(tenants=tenants, health=down), PLATFORM)
    assert (found.held, found.components["firestore"].state) == (None, State.DOWN)
    assert tenants.asked == 0
