"""Numbers whose commit's answer was lost: they are added once, and the caller hears that they are stored all the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pytest

from fanfare.domain.analytics import EVERY_ROW, Amounts, Row, RowKey
from fanfare.domain.notification import Counts, NotificationStatus
from fanfare.domain.recomputing import correct
from fanfare.domain.tallying import Tally, contributions_of, decide_tally
from tests.contract.firestore_proxy import FirestoreProxy, firestore_proxy
from tests.contract.stores.real import Stores, open_firestore, real_stores
from tests.factories import NOW, a_notification, a_tenant

DAY = NOW.date()
KEY = RowKey(DAY, "client-1", None, "android")


@dataclass(frozen=True, slots=True)
class Network:
    """`stores` behind a proxy that can lose answers, `others` over the same data without one."""

    proxy: FirestoreProxy
    stores: Stores
    others: Stores

    def losing(self, call: Callable[[], bool], *, refusals: bool = False) -> bool:
        """Make a call whose first answer is lost, so that its commit is sent again."""
        self.proxy.commits, self.proxy.lose_next, self.proxy.lose_refusals = 0, 1, refusals
        stored = call()
        assert self.proxy.lose_next == 0
        assert self.proxy.commits > 1
        return stored

    def tallies(self) -> list[Tally]:
        found = self.others.analytics.find_untallied("acme", 9)
        return [decide_tally(one, contributions_of(one.notification, one.notification.counts, one.notification.platforms)) for one in found]

    def rows(self) -> list[Row]:
        return [row for row in self.others.analytics.rows("acme", DAY, DAY, EVERY_ROW, 9) if row.amounts]

    def total(self) -> list[Amounts]:
        return [row.amounts for row in self.others.analytics.totals("acme", DAY, DAY)]


@pytest.fixture
def network(emulator: str, project_id: str) -> Iterator[Network]:
    """Two notifications that have been sent and not yet tallied."""
    with firestore_proxy(emulator) as (proxy, host):
        behind, direct = open_firestore(host, project_id), open_firestore(emulator, project_id)
        others = real_stores(direct)
        others.tenants.create(a_tenant())
        for name in ("notification-1", "notification-2"):
            done = a_notification(id=name, status=NotificationStatus.COMPLETED, counts=Counts(2, sent=2), platforms={"android": {"sent": 2}})
            others.notifications.accept(done, [])
            others.notifications.update("acme", name, lambda stored: replace(stored, status_reason="sent"))
        yield Network(proxy, real_stores(behind), others)
        behind.close()
        direct.close()


def test_tally_whose_answer_was_lost_counts_once(network: Network) -> None:
    tallies = network.tallies()
    assert network.losing(lambda: network.stores.analytics.tally(tallies))
    assert (network.rows(), network.total()) == ([Row(KEY, Amounts(4))], [Amounts(4)])
    assert network.tallies() == []


def test_refusal_whose_answer_was_lost_is_a_refusal(network: Network) -> None:
    tallies = network.tallies()
    assert network.others.analytics.tally(tallies)
    assert not network.losing(lambda: network.stores.analytics.tally(tallies), refusals=True)
    assert network.total() == [Amounts(4)]


def test_addition_whose_answer_was_lost_is_made_once_and_said_to_be(network: Network) -> None:
    row = Row(KEY, Amounts(cleaned=3))
    assert network.losing(lambda: network.stores.analytics.add("acme", "mark-1", [row], NOW))
    assert not network.stores.analytics.add("acme", "mark-1", [row], NOW)
    assert (network.rows(), network.total()) == ([row], [Amounts(cleaned=3)])


@pytest.mark.parametrize("again", [False, True])
def test_correction_whose_answer_was_lost_is_made_once(network: Network, again: bool) -> None:  # noqa: FBT001
    network.others.analytics.tally(network.tallies())
    for number in range(1 + again):
        network.others.analytics.add("acme", f"wrong-{number}", [Row(KEY, Amounts(7))], NOW)
        compared = network.others.analytics.compare("acme", DAY)
        assert network.losing(lambda: network.stores.analytics.correct("acme", DAY, correct(compared), compared.revision))  # noqa: B023
    assert (network.rows(), network.total()) == ([Row(KEY, Amounts(4))], [Amounts(4)])
