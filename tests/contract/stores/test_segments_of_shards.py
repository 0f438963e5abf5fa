"""Stored devices, asked one by one, and the shards that a compaction made of them: the same filters mean the same devices."""

from __future__ import annotations

from random import Random

from fanfare.adapters.system import SystemIdentifiers
from fanfare.domain.audience import Audience
from fanfare.domain.batches import split
from fanfare.domain.compaction import Sizes
from fanfare.domain.filters import DeviceFilter
from fanfare.domain.ownership import as_reached
from fanfare.domain.recipient import recipient_of
from fanfare.domain.registration import RegistrationPlan
from fanfare.domain.segment import Segment, is_match
from fanfare.domain.shard import Shard, select
from fanfare.ports import Deps
from fanfare.services.compact_audience import compact_audience
from fanfare.services.count_audience import count_audience
from tests.contract.stores.real import Stores
from tests.factories import NOW
from tests.fakes import fake_deps
from tests.segments import a_random_device, a_random_segment

DEVICES, QUESTIONS = 240, 120
SMALL = Sizes(mean=30, rows=60)
"""Several shards of few devices."""


def _deps(stores: Stores) -> Deps:
    return fake_deps(clock=stores.clock, devices=stores.devices, audience=stores.audience, identifiers=SystemIdentifiers())


def _shards(stores: Stores, header: Audience) -> list[Shard]:
    return [shard for some in split(range(header.shards), 20) for shard in stores.audience.read_shards(header.tenant, header.generation, some)]


def test_filters_mean_in_the_shards_what_they_mean_of_the_stored_devices(stores: Stores, tenant: str) -> None:
    random, deps = Random(5), _deps(stores)  # noqa: S311 - the same devices in every run
    kinds = [a_random_device(random, f"device-{number}") for number in range(DEVICES)]
    assert all(stores.devices.save(tenant, [RegistrationPlan(device) for device in some]) for some in split(kinds, 100))
    assert compact_audience(deps, tenant, "request-1", sizes=SMALL)
    header = stores.audience.get(tenant)
    assert header is not None
    assert header.shards > 4
    shards = _shards(stores, header)
    stored = {device.id: as_reached(device) for device in stores.devices.list(tenant, DeviceFilter(active=True), DEVICES, None).items}
    assert {row.device_id for shard in shards for row in shard.rows()} == set(stored) < {device.id for device in kinds}
    sizes = set()
    for _ in range(QUESTIONS):
        segments: list[Segment] = [a_random_segment(random) for _ in range(random.randint(0, 2))]
        selected = [recipient for shard in shards for recipient in select(shard, segments, NOW)]
        expected = {recipient_of(device) for device in stored.values() if all(is_match(segment, device, NOW) for segment in segments)}
        assert set(selected) == expected
        assert len(selected) == len(expected)
        sizes.add(len(expected))
    assert len(sizes) > 20, "the filters hardly differ in whom they mean"
    assert count_audience(deps, tenant, [], "request-1").count == len(stored)
