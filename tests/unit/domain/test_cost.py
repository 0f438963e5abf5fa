from __future__ import annotations

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfare.domain.compaction import Sizes
from fanfare.domain.cost import (
    ASSUMED,
    MEASURED,
    Operations,
    bill,
    broadcast_operations,
    direct_operations,
    dollars,
    sending_seconds,
    shards_for,
    total,
    usual_operations,
)
from fanfare.domain.prices import FIRESTORE, Edition

MILLION = 1_000_000
SHARDS = 4_096
DEAR = Edition.STANDARD_MULTI_REGION
STANDARD = (Edition.STANDARD_MULTI_REGION, Edition.STANDARD_REGION)


@pytest.mark.parametrize(("devices", "shards"), [(0, 1), (1, 1), (400, 1), (401, 2), (800, 2), (801, 4), (50_000, 128), (MILLION, SHARDS)])
def test_shards_double_where_their_mean_passes_400(devices: int, shards: int) -> None:
    assert shards_for(devices) == shards


@given(st.integers(0, 10_000_000))
def test_shards_are_a_power_of_two_and_as_few_as_allowed(devices: int) -> None:
    shards = shards_for(devices)
    assert shards & (shards - 1) == 0
    assert devices <= Sizes().mean * shards
    assert shards == 1 or devices > Sizes().mean * shards / 2


@pytest.mark.parametrize("edition", STANDARD)
def test_a_million_recipients_cost_at_most_five_cents(edition: Edition) -> None:
    assert dollars(broadcast_operations(MILLION, SHARDS), edition) <= 0.05


def test_a_million_recipients_within_the_budgets_of_the_data_model() -> None:
    used = broadcast_operations(MILLION, SHARDS)
    assert used.reads <= 2 * SHARDS + 60
    assert used.writes <= 4 * SHARDS + 60
    assert SHARDS + SHARDS / 1_000 <= used.tasks <= SHARDS + SHARDS / 1_000 + 2


def test_all_that_the_budgets_allow_is_still_below_five_cents() -> None:
    allowed = replace(MEASURED, reads_a_chunk=2, writes_a_chunk=4, reads_a_broadcast=60, writes_a_broadcast=60)
    assert dollars(broadcast_operations(MILLION, SHARDS, allowed), DEAR) <= 0.05


@pytest.mark.parametrize("edition", STANDARD)
def test_the_usual_way_costs_forty_times_as_much(edition: Edition) -> None:
    assert dollars(usual_operations(MILLION), edition) >= 40 * dollars(broadcast_operations(MILLION, SHARDS), edition)


def test_the_usual_way_reads_and_writes_a_document_for_each_device() -> None:
    used = usual_operations(1_001)
    assert (used.reads, used.writes, used.deletes, used.tasks) == (1_001, 1_001, 1_001, 3)
    lines = {line.name: line.dollars for line in bill(usual_operations(MILLION), DEAR)}
    assert (lines["reads"], lines["writes"], lines["deletes"]) == pytest.approx((0.60, 1.80, 0.20))


def test_one_region_costs_half_for_documents() -> None:
    used = Operations(reads=100_000, writes=100_000, deletes=100_000)
    assert dollars(used, Edition.STANDARD_MULTI_REGION) == pytest.approx(0.26)
    assert dollars(used, Edition.STANDARD_REGION) == pytest.approx(0.13)


def test_enterprise_bills_by_size_and_deletes_as_writes() -> None:
    used = Operations(reads=5, writes=5, deletes=5, read_units=2_000_000, write_units=1_000_000)
    lines = {line.name: line.dollars for line in bill(used, Edition.ENTERPRISE_REGION)}
    assert (lines["reads"], lines["writes"], lines["deletes"]) == pytest.approx((0.10, 0.26, 0))


def test_big_shards_cost_more_units_and_no_more_documents() -> None:
    usual, wide = (broadcast_operations(MILLION, SHARDS, replace(MEASURED, row_bytes=size)) for size in (300, 3_000))
    assert (wide.reads, wide.writes) == (usual.reads, usual.writes)
    assert wide.read_units > 5 * usual.read_units


def test_waiting_for_fcm_dominates_at_one_request_an_instance_and_not_at_eight() -> None:
    alone, shared = (broadcast_operations(MILLION, SHARDS, assumed=replace(ASSUMED, concurrency=at_once)) for at_once in (1, 8))
    instance = [sum(line.dollars for line in bill(used, DEAR) if line.name in {"instance time", "memory"}) for used in (alone, shared)]
    assert instance[0] > dollars(alone, DEAR) / 2 > 0
    assert instance[1] < dollars(shared, DEAR) / 4


def test_instance_time_is_the_cpu_s_where_that_takes_longer_than_waiting() -> None:
    busy = replace(MEASURED, cpu_seconds_a_message=1e-3)
    assert sending_seconds(1_000, 2, busy) == pytest.approx(1_000 * 1e-3 * ASSUMED.cpu_factor)
    # 500 rows are five waves of a hundred streams.
    assert sending_seconds(1_000, 2) == pytest.approx(2 * (5 * 0.1 + 0.06) / 8)


def test_a_task_is_paid_for_when_it_is_created_and_when_it_is_delivered() -> None:
    (line,) = (line for line in bill(Operations(tasks=500_000), DEAR) if line.name == "tasks")
    assert (line.amount, line.dollars, line.dollars_beyond_free) == (1_000_000, pytest.approx(0.40), 0)


def test_direct_send_reads_each_device_and_stores_one_chunk() -> None:
    used = direct_operations(3, 3, 1)
    assert (used.reads, used.writes, used.tasks) == (3 + 2, 3 + 3, 1)
    assert used.egress_bytes == 3 * MEASURED.message_bytes


def test_send_to_nobody_costs_a_query_and_its_own_documents() -> None:
    used = direct_operations(1, 0, 0)
    assert (used.reads, used.writes, used.tasks, used.egress_bytes) == (1, 2, 0, 0)


def test_broadcast_to_nobody_costs_no_more_than_what_every_broadcast_does_once() -> None:
    used = broadcast_operations(0, 0)
    assert (used.reads, used.writes, used.egress_bytes) == (MEASURED.reads_a_broadcast, MEASURED.writes_a_broadcast, 0)


def test_bulk_send_stores_each_chunk_of_recipients() -> None:
    assert direct_operations(1_000, 1_000, 2).writes == 3 + 1 + 2 * 3


def test_the_sum_is_that_of_the_lines() -> None:
    used = Operations(*(1_000.0 for _ in fields(Operations)))
    for edition in Edition:
        lines = bill(used, edition)
        assert dollars(used, edition) == pytest.approx(total(lines)) == pytest.approx(sum(line.dollars for line in lines))


@given(st.integers(1, 5_000_000), st.integers(0, 14))
def test_more_recipients_never_cost_less(devices: int, doublings: int) -> None:
    chunks = 2**doublings
    for edition in FIRESTORE:
        assert dollars(broadcast_operations(devices, chunks), edition) <= dollars(broadcast_operations(devices + 10_000, chunks), edition)
