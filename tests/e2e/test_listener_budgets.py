"""What listening in Firestore costs, counted over the wire: nothing while nobody does, and no commit more while somebody does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from fanfare.config import Settings
from fanfare.domain.chunk import ChunkKey
from fanfare.domain.listening import Listening
from fanfare.domain.request_reading import read_request
from fanfare.ports import Deps
from fanfare.services.accept_notification import accept_notification
from fanfare.services.deliver_chunk import deliver_chunk
from fanfare.services.mint_stream_token import mint_profile_token, mint_tenant_token
from fanfare.services.steer_notification import cancel_notification
from fanfare.wiring import build_deps
from local.stack import Stack
from tests.e2e.counting_proxy import CountingProxy, Usage, counting_proxy
from tests.e2e.harness import Tenant, fresh
from tests.factories import a_call

PEOPLE = 3


@dataclass(frozen=True, slots=True)
class Counted:
    """The adapters behind the proxy, as a warm instance has them, and people with a device each."""

    deps: Deps
    proxy: CountingProxy
    tenant: str
    usernames: list[str]
    profiles: list[str]

    def cost(self, perform: Callable[[], object]) -> Usage:
        self.proxy.usage = Usage()
        perform()
        return self.proxy.usage

    def listen(self) -> Usage:
        return self.cost(lambda: mint_profile_token(self.deps, a_call(tenant=self.tenant), self.profiles[0]))

    def send(self) -> tuple[Usage, str]:
        request = read_request({"to": {"usernames": self.usernames}, "title": "Hello"}, fresh("hash"))
        ids: list[str] = []
        used = self.cost(lambda: ids.append(accept_notification(self.deps, a_call(tenant=self.tenant), request).notification.id))
        return used, ids[0]

    def deliver(self, notification_id: str) -> Usage:
        return self.cost(lambda: deliver_chunk(self.deps, ChunkKey(self.tenant, notification_id, 0)))


def calls(used: Usage) -> tuple[int, int, int]:
    """Calls that read, commits, and documents written. How many documents a call has read is counted at its end, which may be a moment late."""
    return used.read_calls, used.commits, used.writes


@pytest.fixture
def counted(stack: Stack, own_tenant: Tenant) -> Iterator[Counted]:
    api = own_tenant.api()
    people: list[Any] = [api.register(username=fresh("listener")) for _ in range(PEOPLE)]
    with counting_proxy(stack.firestore_host) as (proxy, address), pytest.MonkeyPatch.context() as environment:
        environment.setenv("FIRESTORE_EMULATOR_HOST", address)
        # Nobody is nudged: the test does what Cloud Tasks would do.
        deps = build_deps(Settings.from_env({**stack.environment, "SEND_URL": "http://127.0.0.1:9/"}))
        counted = Counted(deps, proxy, own_tenant.id, [one["username"] for one in people], [one["profile_id"] for one in people])
        counted.deliver(counted.send()[1])
        yield counted


def test_each_listener_costs_a_document_in_the_commits_that_there_are(counted: Counted) -> None:
    alone, sent = counted.send()
    delivered = counted.deliver(sent)
    counted.listen()
    # The first write of the tenant has made the instance forget it.
    counted.deps.tenants.get(counted.tenant)
    heard, sent = counted.send()
    assert calls(heard) == calls(replace(alone, writes=alone.writes + PEOPLE))
    assert calls(counted.deliver(sent)) == calls(replace(delivered, writes=delivered.writes + PEOPLE))
    cancelled = counted.send()[1]
    call = a_call(tenant=counted.tenant)
    assert counted.cost(lambda: cancel_notification(counted.deps, call, cancelled)).commits == 1


def test_token_costs_a_read_and_one_write_in_half_a_day(counted: Counted) -> None:
    # The profile and, for the write, the tenant; that the instance reads the tenant anew afterwards comes with the next call.
    assert [calls(counted.listen()) for _ in range(3)] == [(2, 1, 1), (2, 0, 0), (1, 0, 0)]


def test_token_of_the_tenant_costs_its_entry_in_the_audit_log(counted: Counted) -> None:
    used = counted.cost(lambda: mint_tenant_token(counted.deps, a_call(tenant=counted.tenant)))
    assert calls(used) == (0, 1, 1)
    stored = counted.deps.tenants.get(counted.tenant)
    assert stored is not None
    assert stored.listening == Listening()
