"""A tenant with many devices, put there by batched writes: documents of the functions' own mapping, without their locks and audit.

Registering a hundred thousand devices one by one would take most of an hour and is not what is measured.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import ceil, log2
from typing import Any

from google.cloud.firestore import SERVER_TIMESTAMP
from google.cloud.firestore import Client as Firestore

from fanfare.domain.audience import Audience
from fanfare.domain.buckets import BUCKETS
from fanfare.domain.compaction import PackedShard, StoredShard
from fanfare.domain.device import Device, Owner
from fanfare.domain.message import Platform, TargetKind
from fanfare.domain.shard import ShardRow, pack_shard, row_of, shard_of
from fanfare.domain.target import Target
from fanfare.domain.tenant_keys import FIRST_INDEX_KEY
from fanfare.ports import Deps
from tests.bench.workload import device_id, token

BATCH = 500
SECONDS = 60.0
PLATFORMS = (Platform.ANDROID, Platform.ANDROID, Platform.IOS, Platform.WEB)
_LOCALES = ("en-GB", "en-US", "de-DE", "sw-TZ", "fr-FR", "pt-BR", "es-ES", "ja-JP")
_TIMEZONES = ("Europe/London", "America/New_York", "Europe/Berlin", "Africa/Dar_es_Salaam", "Asia/Tokyo")
_TAGS = (("beta",), ("paying", "weekly"), (), ("weekly",), ("paying",))
_TOPICS = (("news",), (), ("news", "sport"), ("sport",))


def device(number: int, now: datetime) -> Device:
    """A device as an app registers it: its words are few and often repeated, its names are its own."""
    person = f"person-{number:07}"
    return Device(
        id=device_id(number),
        target=Target(TargetKind.TOKEN, token(number)),
        platform=PLATFORMS[number % len(PLATFORMS)],
        owners=(Owner(profile_id=device_id(-1 - number), username=person, addresses=(f"{FIRST_INDEX_KEY}.{device_id(number)}",)),),
        created_at=now - timedelta(days=90),
        last_seen_at=now - timedelta(days=number % 40, seconds=number % 86_400),
        app_version=f"3.{number % 12}.{number % 5}",
        os_version=str(13 + number % 4),
        model=f"Model {number % 60}",
        locale=_LOCALES[number % len(_LOCALES)],
        timezone=_TIMEZONES[number % len(_TIMEZONES)],
        tags=_TAGS[number % len(_TAGS)],
        topics=_TOPICS[number % len(_TOPICS)],
    )


def devices(numbers: Iterable[int]) -> Iterator[Device]:
    """Devices by their numbers; a number always gives the same one but for the times."""
    now = datetime.now(tz=UTC)
    return (device(number, now) for number in numbers)


def write_devices(deps: Deps, firestore: Firestore, tenant: str, numbers: Iterable[int], *, updated_at: object = SERVER_TIMESTAMP) -> int:
    """Write (or write anew) device documents in batches of 500; returns how many.

    A compaction reads again what was written in the two minutes before the last one: an `updated_at` of long ago keeps devices out of that.
    """
    documents, written = _documents(deps, tenant, numbers), 0
    while piece := list(itertools.islice(documents, BATCH)):
        batch = firestore.batch()
        for name, fields in piece:
            batch.set(firestore.document(f"tenants/{tenant}/devices/{name}"), {**fields, "updated_at": updated_at})
        batch.commit(timeout=SECONDS)
        written += len(piece)
    return written


def _documents(deps: Deps, tenant: str, numbers: Iterable[int]) -> Iterator[tuple[str, dict[str, Any]]]:
    store: Any = deps.devices
    hashes = store._index.for_writing(tenant)
    return ((found.id, store._fields(tenant, found, hashes)) for found in devices(numbers))


def pack_audience(deps: Deps, tenant: str, count: int, shards: int) -> None:
    """Put devices straight into the shards of an audience that is up to date: nothing is left to compact, no device document stands behind them."""
    now = datetime.now(tz=UTC)
    rows: dict[int, list[ShardRow]] = {number: [] for number in range(shards)}
    for found in devices(range(count)):
        rows[shard_of(found.id, shards)].append(row_of(found))
    packed = [PackedShard(StoredShard(number), len(held), pack_shard(held)) for number, held in rows.items()]
    if refused := deps.audience.write_shards(tenant, 1, 1, packed):
        raise RuntimeError(f"{len(refused)} shards were there before.")
    header = Audience(tenant, shards=shards, epoch=1, devices=count, watermarks=(now,) * BUCKETS, generations={1: shards}, compacted_at=now)
    deps.audience.update(tenant, lambda stored: replace(header, revision=stored.revision))


def shards_for(count: int) -> int:
    """A power of two, so that a shard has 400 devices on average at the most."""
    return 1 << max(0, ceil(log2(count / 400)))
