"""What receipts cost, by the documents that they read and write."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from fanfare.domain.cost import ASSUMED, Operations, broadcast_operations, dollars, shards_for
from fanfare.domain.prices import Edition
from fanfare.domain.receipt_cost import RECEIPTS, RECEIPTS_ASSUMED, receipt_operations

MILLION = 1_000_000
DEAR = Edition.STANDARD_MULTI_REGION


def test_every_document_of_a_receipt_is_counted() -> None:
    used = receipt_operations(2, 1)
    # Three receipts of two devices: looked at by the read, summed with their devices, and two removed.
    assert used.reads == 1 + 3 * 2 + 2
    # Three reports, and two devices that were heard of.
    assert used.writes == 3 + 2
    assert used.deletes == 2
    assert (used.requests, used.read_units, used.write_units) == (3, used.reads, used.writes + used.deletes)


def test_nothing_reported_costs_nothing() -> None:
    assert receipt_operations(0, 0) == Operations()


def test_receipts_dominate_what_a_broadcast_costs() -> None:
    sending = dollars(broadcast_operations(MILLION, shards_for(MILLION)), DEAR)
    assert dollars(receipt_operations(MILLION, MILLION // 2), DEAR) > 100 * sending


def test_waiting_is_paid_for_where_it_is_longer_than_computing() -> None:
    slow = replace(RECEIPTS_ASSUMED, database_seconds_a_request=1.0, concurrency=2)
    assert receipt_operations(10, 0, receipts=slow).instance_seconds == 5.0
    computing = 10 * (RECEIPTS.cpu_seconds_a_request + RECEIPTS.cpu_seconds_of_sums) * ASSUMED.cpu_factor
    assert receipt_operations(10, 0).instance_seconds == computing


@given(st.integers(0, MILLION), st.integers(0, MILLION), st.sampled_from(Edition))
def test_more_reports_never_cost_less(delivered: int, read: int, edition: Edition) -> None:
    cost = dollars(receipt_operations(delivered, read), edition)
    assert dollars(receipt_operations(delivered + 1, read), edition) >= cost
    assert dollars(receipt_operations(delivered, read + 1), edition) >= cost
