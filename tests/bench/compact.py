"""`make bench-compact`: bringing an audience up to date, beside the bare cost of reading what changed and rewriting the shards it falls in.

The audience is packed straight into its shards. A tenth of its devices is written, spread over all shards, then they are compacted; both ways take
turns. The others have no documents: the emulator would look through them at every query, unlike Firestore. Bare: the same queries, the same reads and
the same guarded writes of the very bytes that were read, by the client library alone: nothing is opened, merged, packed or sealed.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from google.cloud.firestore import Client as Firestore
from google.cloud.firestore import DocumentSnapshot, FieldFilter

from local.errors import StackError
from local.firebase import PROJECT
from local.service_account import make_service_account
from local.settings import ROOT, StackSettings
from local.stack import Stack
from tests.bench import report
from tests.bench.rates import Rate

sys.path.append(str(ROOT / "functions"))

from fanfare.adapters.firestore.audience_mapping import ROW_FIELDS
from fanfare.config import Settings
from fanfare.domain.audience import Audience
from fanfare.domain.buckets import BUCKETS
from fanfare.ports import Deps
from fanfare.services.compact_audience import compact_audience
from fanfare.services.provision import create_tenant
from fanfare.wiring import build_deps
from tests.bench.population import pack_audience, write_devices

PARTS = frozenset({"firestore", "fcm", "cloud"})
MARKER = "bench-compact"
QUERY, SHARDS_AT_ONCE, COMMIT_BYTES, SECONDS = 2_000, 20, 2_900_000, 60.0
_COLUMNS = ("", "seconds", "÷ bare", "CPU µs a changed device", "÷ bare")


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured."""

    rounds: int
    devices: int
    shards: int
    changed: int


FULL = Plan(rounds=7, devices=100_000, shards=256, changed=10_000)
QUICK = Plan(rounds=3, devices=20_000, shards=64, changed=2_000)


def main(arguments: Sequence[str]) -> int:
    """Run the benchmark; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.compact", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a fifth of it in fewer rounds; printed only, docs/performance.md stays as it is")
    quick = parser.parse_args(arguments).quick
    try:
        with TemporaryDirectory(prefix="fanfare-bench-") as folder:
            text = _run(Path(folder), QUICK if quick else FULL)
    except (StackError, RuntimeError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{text}\n")
    if not quick:
        report.write_between_markers(ROOT / "docs/performance.md", text, MARKER)
    return 0


def _run(folder: Path, plan: Plan) -> str:
    with Stack(StackSettings(), folder=folder / "stack", parts=PARTS) as stack:
        # The Firestore client finds the emulator by the environment alone.
        os.environ.update(stack.environment)
        deps, firestore = build_deps(Settings.from_env(stack.environment)), Firestore(project=PROJECT)
        tenant = create_tenant(deps, "Bench", make_service_account("fanfare-bench", stack.environment["OAUTH_TOKEN_URI"])).id
        pack_audience(deps, tenant, plan.devices, plan.shards)
        ours, bare = _take_turns(deps, firestore, tenant, plan)
        return _text(plan, _audience(deps, tenant), ours, bare)


def _take_turns(deps: Deps, firestore: Firestore, tenant: str, plan: Plan) -> tuple[Rate, Rate]:
    changed = range(0, plan.devices, plan.devices // plan.changed)
    ours, bare = Rate("`compact_audience`"), Rate("the same reads and writes, bare")
    # Round 0 warms up: connections and caches are no compaction's cost.
    for number in range(plan.rounds + 1):
        write_devices(deps, firestore, tenant, changed)
        since = _audience(deps, tenant).watermark
        for rate, perform in (
            (bare, lambda since=since: _work_barely(firestore, tenant, _audience(deps, tenant), since)),
            (ours, lambda: _compact(deps, tenant, plan.changed)),
        ):
            seen = rate if number else Rate(rate.title)
            seen.measure(perform, [os.getpid()])  # type: ignore[arg-type]
            if seen.units[-1] != plan.changed:
                raise RuntimeError(f"{rate.title} found {seen.units[-1]} of {plan.changed} changed devices.")
    return ours, bare


def _compact(deps: Deps, tenant: str, devices: int) -> int:
    if not compact_audience(deps, tenant, "bench"):
        raise RuntimeError("The compaction did not come to its end.")
    return devices


def _work_barely(firestore: Firestore, tenant: str, audience: Audience, since: datetime) -> int:
    """Read the changed devices and rewrite every shard, because they fall in all of them; returns how many devices were read."""
    found = sum(len(page) for bucket in range(BUCKETS) for page in _changed(firestore, tenant, bucket, since))
    names = [f"tenants/{tenant}/audience/{audience.generation}-{number}" for number in range(audience.shards)]
    for first in range(0, len(names), SHARDS_AT_ONCE):
        _rewrite(firestore, list(firestore.get_all([firestore.document(name) for name in names[first : first + SHARDS_AT_ONCE]])))
    return found


def _changed(firestore: Firestore, tenant: str, bucket: int, since: datetime) -> Iterator[list[dict[str, Any]]]:
    devices = firestore.collection(f"tenants/{tenant}/devices").where(filter=FieldFilter("bucket", "==", bucket))
    query = devices.where(filter=FieldFilter("updated_at", ">=", since)).select(ROW_FIELDS).order_by("updated_at")
    page: list[DocumentSnapshot[Any]] | None = None
    while page is None or len(page) == QUERY:
        page = list((query.start_after(page[-1]) if page else query).limit(QUERY).stream())
        yield [snapshot.to_dict() or {} for snapshot in page]


def _rewrite(firestore: Firestore, shards: list[DocumentSnapshot[Any]]) -> None:
    """Write shards back as they are, each guarded by what was read, in commits as large as ours."""
    batch, size = firestore.batch(), 0
    for shard in shards:
        fields = shard.to_dict() or {}
        length = sum(len(value) for value in fields.values() if isinstance(value, bytes))
        if size + length > COMMIT_BYTES:
            batch.commit(timeout=SECONDS)
            batch, size = firestore.batch(), 0
        batch.update(shard.reference, fields, firestore.write_option(last_update_time=shard.update_time))
        size += length
    if size:
        batch.commit(timeout=SECONDS)


def _audience(deps: Deps, tenant: str) -> Audience:
    audience = deps.audience.get(tenant)
    if audience is None:
        raise RuntimeError("The tenant has no audience.")
    return audience


def _text(plan: Plan, audience: Audience, ours: Rate, bare: Rate) -> str:
    rows = [
        [
            found.title,
            f"**{found.middle_seconds:.2f}**",
            f"{found.middle_seconds / bare.middle_seconds:.2f}",
            f"{found.cpu_micros:,.0f}",
            f"{found.cpu_micros / bare.cpu_micros:.2f}",
        ]
        for found in (bare, ours)
    ]
    return "\n".join(
        [
            f"`make bench-compact` made this section. {report.machine()}",
            f"{plan.changed:,} changed devices in {plan.devices:,}, in {audience.shards} shards, all of which they fall in;",
            f"the median of {plan.rounds} rounds in turns. CPU is that of the process that compacts, without the emulator's.",
            "",
            report.table(_COLUMNS, rows),
        ],
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
