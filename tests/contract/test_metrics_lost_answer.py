"""Numbers of the fleet whose commit's answer was lost: they are added once, with what they ride on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fanfare.domain.fleet_counters import counters_of, sums_of_one
from fanfare.domain.notification import Counts, NotificationStatus
from fanfare.domain.tallying import decide_tally
from tests.contract.firestore_proxy import FirestoreProxy, firestore_proxy
from tests.contract.stores.real import Stores, open_firestore, real_stores
from tests.factories import NOW, a_notification, a_tenant


@pytest.fixture
def network(emulator: str, project_id: str) -> Iterator[tuple[FirestoreProxy, Stores]]:
    """Stores behind a proxy that can lose answers."""
    with firestore_proxy(emulator) as (proxy, host):
        firestore = open_firestore(host, project_id)
        stores = real_stores(firestore)
        stores.tenants.create(a_tenant())
        yield proxy, stores
        firestore.close()


def _lose(proxy: FirestoreProxy) -> None:
    proxy.commits, proxy.lose_next = 0, 1


def test_tally_whose_answer_was_lost_counts_once(network: tuple[FirestoreProxy, Stores]) -> None:
    proxy, stores = network
    stores.notifications.accept(a_notification(status=NotificationStatus.COMPLETED, counts=Counts(2, sent=2)), [])
    [found] = stores.analytics.find_untallied("acme", 9)
    tally = decide_tally(found, {}, counters_of(found.notification, sums_of_one(found.notification)))
    _lose(proxy)
    assert stores.analytics.tally([tally])
    assert proxy.commits > 1
    assert stores.metrics.read_counters() == {"accepted": 1, "messages": 2, "sent.none": 2}


@pytest.mark.parametrize("before", [0, 1])
def test_span_whose_answer_was_lost_is_counted_once(network: tuple[FirestoreProxy, Stores], before: int) -> None:
    proxy, stores = network
    for _ in range(before):
        assert stores.metrics.add_counted({"webhooks.delivered": 1}, NOW, stores.metrics.get_counted()[1])
    _, revision = stores.metrics.get_counted()
    _lose(proxy)
    assert stores.metrics.add_counted({"webhooks.delivered": 5}, NOW, revision)
    assert proxy.commits > 1
    assert stores.metrics.read_counters() == {"webhooks.delivered": before + 5}
