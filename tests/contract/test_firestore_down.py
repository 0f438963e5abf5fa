"""A database that does not answer: every call ends as Unavailable, and soon enough for a caller that waits."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from fanfare.adapters.firestore.client import probe
from fanfare.domain.address import Address, AddressKind
from fanfare.domain.audit import AuditEntry, trail
from fanfare.domain.call import Actor, ActorKind
from fanfare.domain.chunk import ChunkKey
from fanfare.domain.errors import Unavailable
from fanfare.domain.filters import AuditFilter, DeadLetterFilter, DeviceFilter, NotificationFilter, ProfileFilter
from fanfare.domain.idempotency import Attempt, StoredAnswer
from tests.contract.stores.real import Stores, open_firestore, real_stores
from tests.factories import NOW, a_client, a_device, a_notification, a_profile, a_recipient, a_registration

KEY = ChunkKey("acme", "notification-1", 0)
ALICE = Address(AddressKind.USERNAME, "alice")
ATTEMPT = Attempt("key-hash", "body-hash", NOW)
ACTOR = Actor(ActorKind.CLIENT, "client-1")
ANSWER = StoredAnswer("body-hash", 201, {}, NOW)
PATIENCE_SECONDS = 6.0

READS: dict[str, Callable[[Stores], Any]] = {
    "client": lambda stores: stores.clients.get("client-1"),
    "tenant": lambda stores: stores.tenants.get("acme"),
    "attention": lambda stores: stores.tenants.find_needing_attention(NOW, 10),
    "profile": lambda stores: stores.profiles.get("acme", "profile-1"),
    "profiles by name": lambda stores: stores.profiles.find("acme", [ALICE]),
    "list of profiles": lambda stores: stores.profiles.list("acme", ProfileFilter(), 10, None),
    "devices": lambda stores: stores.devices.get("acme", ["device-1"]),
    "known devices": lambda stores: stores.devices.find_known("acme", [(a_registration(), a_profile())]),
    "active devices": lambda stores: stores.devices.find_active("acme", [ALICE], 10),
    "devices and whose they are": lambda stores: stores.devices.find_addressed("acme", [ALICE], 10),
    "device by its target": lambda stores: stores.devices.find_by_target("acme", a_device().target),
    "purgeable devices": lambda stores: stores.devices.find_purgeable("acme", NOW, 10),
    "devices of a profile": lambda stores: stores.devices.list_of_profile("acme", "profile-1", 10, None),
    "list of devices": lambda stores: stores.devices.list("acme", DeviceFilter(), 10, None),
    "notification": lambda stores: stores.notifications.get("acme", "notification-1"),
    "recipients": lambda stores: stores.chunks.read_recipients(KEY),
    "all recipients": lambda stores: stores.recipients.read_all("acme", "notification-1"),
    "chunk": lambda stores: stores.chunks.read_chunk(KEY),
    "dead letter": lambda stores: stores.notifications.get_dead_letter("acme", "notification-1-0"),
    "dead letters": lambda stores: stores.notifications.list_dead_letters("acme", DeadLetterFilter(), 10, None),
    "list of notifications": lambda stores: stores.notifications.list("acme", NotificationFilter(), 10, None),
    "many notifications": lambda stores: stores.notifications.get_many("acme", ["notification-1"]),
    "edited pauses": lambda stores: stores.notifications.find_edited_pauses(10),
    "audit log": lambda stores: stores.audit.list("acme", AuditFilter(), 10, None),
    "overdue": lambda stores: stores.notifications.find_overdue(NOW, 10),
    "parked": lambda stores: stores.chunks.find_parked("acme", 10),
}
WRITES: dict[str, Callable[[Stores], Any]] = {
    "new client": lambda stores: stores.clients.create(a_client()),
    "changed tenant": lambda stores: stores.tenants.update("acme", lambda tenant: replace(tenant, name="x")),
    "new profile": lambda stores: stores.profiles.create("acme", a_profile()),
    "changed device": lambda stores: stores.devices.update("acme", "device-1", lambda device: replace(device, model="x")),
    "changed devices": lambda stores: stores.devices.update_many("acme", ["device-1"], lambda device: replace(device, model="x")),
    "erased devices": lambda stores: stores.devices.erase("acme", ["device-1"]),
    "accepted notification": lambda stores: stores.notifications.accept(a_notification(), []),
    "written recipients": lambda stores: stores.recipients.write("acme", "notification-1", 0, [[a_recipient()]]),
    "appended recipients": lambda stores: stores.recipients.append("acme", "notification-1", 0, [[a_recipient()]]),
    "queued notification": lambda stores: stores.recipients.queue(a_notification()),
    "new profiles": lambda stores: stores.profiles.create_many("acme", [(a_profile(), None)]),
    "claim": lambda stores: stores.chunks.claim(KEY, "owner", NOW),
    "steered notification": lambda stores: stores.notifications.steer(KEY, lambda *_: None, trail("notification.paused", ACTOR, NOW)),
    "audited": lambda stores: stores.audit.record("acme", AuditEntry("device.exported", ACTOR, NOW)),
    "next check": lambda stores: stores.notifications.set_next_check(KEY, NOW),
    "reserved key": lambda stores: stores.idempotency.begin("acme", ATTEMPT),
    "kept answer": lambda stores: stores.idempotency.finish("acme", "key-hash", ANSWER),
    "abandoned key": lambda stores: stores.idempotency.abandon("acme", ATTEMPT),
}


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """An address where nothing listens: it is taken, so that nobody else can begin to."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{taken.getsockname()[1]}"


def _outcome(address: str, call: Callable[[Stores], Any]) -> str:
    firestore = open_firestore(address, "nobody-home")
    started = time.monotonic()
    try:
        call(real_stores(firestore))
    except Unavailable:
        seconds = time.monotonic() - started
        return "unavailable" if seconds < PATIENCE_SECONDS else f"unavailable after {seconds:.1f} seconds"
    finally:
        firestore.close()
    return "answered"


@pytest.mark.parametrize("calls", [READS, WRITES], ids=["reads", "writes"])
def test_calls_are_unavailable_within_seconds(address: str, calls: Mapping[str, Callable[[Stores], Any]]) -> None:
    """All at once, each by a client of its own: every one of them tries again for seconds."""
    with ThreadPoolExecutor(len(calls)) as pool:
        outcomes = dict(zip(calls, pool.map(lambda call: _outcome(address, call), calls.values()), strict=True))
    assert outcomes == dict.fromkeys(calls, "unavailable")


def test_probe_does_not_try_again(address: str) -> None:
    firestore = open_firestore(address, "nobody-home")
    started = time.monotonic()
    with pytest.raises(Unavailable):
        probe(firestore)
    assert time.monotonic() - started < 3
    firestore.close()
