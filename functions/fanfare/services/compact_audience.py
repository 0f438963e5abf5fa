"""Bringing a tenant's audience up to date: the devices that changed go into its shards (design: docs/data-model.md, "Audience shards").

A bucket at a time, the one that is furthest behind first; a page of its changes goes into every generation that is read. What a pass that was broken
off had written is written again by the next one, from the bucket's watermark on: only what is behind a watermark counts as done.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from fanfare.domain.audience import LostLease, with_watermark
from fanfare.domain.buckets import BUCKETS
from fanfare.domain.compaction import USUAL_SIZES, Change, Sizes, factor_for_mean, watermark_after
from fanfare.domain.errors import Unavailable
from fanfare.ports import Deps
from fanfare.services.divide_shards import divide_shards
from fanfare.services.merge_changes import merge_changes
from fanfare.services.tenure import Interrupted, Tenure, begin_tenure


def compact_audience(deps: Deps, tenant: str, request_id: str, *, sizes: Sizes = USUAL_SIZES) -> bool:
    """Put every change that was stored before this call into the shards.

    False: not all of it, because somebody else compacts this audience now, or another task was asked to go on. Unavailable if the store does not
    answer.
    """
    tenure = begin_tenure(deps, tenant, sizes)
    if tenure is None:
        return False
    try:
        return _compact(tenure, request_id)
    except LostLease:
        deps.log.warning("compaction_overtaken", tenant=tenant, epoch=tenure.audience.epoch)
        return False


def _compact(tenure: Tenure, request_id: str) -> bool:
    try:
        for bucket in sorted(range(BUCKETS), key=tenure.audience.watermarks.__getitem__):
            _compact_bucket(tenure, bucket)
        _finish(tenure)
    except Interrupted:
        tenure.release()
        tenure.deps.tasks.enqueue_compaction(tenure.audience.tenant, request_id)
        return False
    except Unavailable:
        with suppress(Unavailable):
            tenure.release()
        raise
    return True


def _compact_bucket(tenure: Tenure, bucket: int) -> None:
    started_at = tenure.deps.clock.now()
    page = _read_page(tenure, bucket, None)
    while len(page) >= tenure.sizes.page:
        merge_changes(tenure, page)
        tenure.audience = with_watermark(tenure.audience, bucket, watermark_after(started_at, page[-1].updated_at))
        page = _read_page(tenure, bucket, page[-1])
    merge_changes(tenure, page)
    tenure.audience = with_watermark(tenure.audience, bucket, watermark_after(started_at, None))


def _read_page(tenure: Tenure, bucket: int, after: Change | None) -> list[Change]:
    """Read the next changes of a bucket, in several queries: one alone would take longer than a query may."""
    tenure.check_working_time()
    since, sizes = tenure.audience.watermarks[bucket], tenure.sizes
    page: list[Change] = []
    while len(page) < sizes.page:
        tenure.keep()
        found = tenure.deps.audience.read_changes(tenure.audience.tenant, bucket, since, sizes.query, page[-1] if page else after)
        page += found
        if len(found) < sizes.query:
            break
    unreadable = sum(not change.is_readable for change in page)
    if unreadable:
        tenure.deps.log.warning("devices_unreadable", tenant=tenure.audience.tenant, bucket=bucket, devices=unreadable)
    return page


def _finish(tenure: Tenure) -> None:
    """Count the rows if any were written, and divide the shards if these are too full on the average."""
    devices = tenure.audience.devices
    if not tenure.audience.is_counted:
        devices = tenure.deps.audience.count_devices(tenure.audience.tenant, tenure.audience.generation)
        tenure.audience = replace(tenure.audience, devices=devices)
        factor = factor_for_mean(devices, tenure.audience.shards, tenure.sizes)
        if factor > 1:
            divide_shards(tenure, factor)
    tenure.finish(devices)
