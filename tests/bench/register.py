"""`make bench-register`: how fast devices are registered in bulk, beside bare batched writes of the very documents that this leaves behind.

A round registers a thousand devices by one `POST /api/v1/devices/bulk` in a tenant of its own, reads back every document that was stored, and writes
these again elsewhere by the client library alone, 500 a batch. So both store the same, one round after the other.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import requests
from google.cloud.firestore import SERVER_TIMESTAMP, DocumentReference
from google.cloud.firestore import Client as Firestore

from local.demo import LOAD_LIMITS
from local.descendants import descendants_of
from local.errors import StackError
from local.firebase import PROJECT
from local.service_account import make_service_account
from local.settings import ROOT, StackSettings
from local.stack import Stack
from tests.bench import report
from tests.bench.rates import Rate

sys.path.append(str(ROOT / "functions"))

from fanfare.config import Settings
from fanfare.domain.client import TENANT_SCOPES
from fanfare.ports import Deps
from fanfare.services.provision import NewClient, create_client, create_tenant
from fanfare.wiring import build_deps
from tests.bench.workload import token

PARTS = frozenset({"firestore", "fcm", "cloud", "api"})
MARKER = "bench-register"
BATCH = 500
SECONDS = 120.0
_COLUMNS = ("", "documents a device", "devices/s", "÷ bare", "CPU µs a device", "÷ bare")
_LEFT_OUT = frozenset({"keys", "limits", "clients"})
"""What a tenant has before its first device, and what counts requests."""
Documents = list[tuple[str, dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured."""

    rounds: int
    devices: int


FULL = Plan(rounds=7, devices=1_000)
QUICK = Plan(rounds=3, devices=300)


@dataclass(frozen=True, slots=True)
class Case:
    """Whose devices are registered: `people` of them are made beforehand, and each device is one's (0: each device's person is new)."""

    title: str
    people: int


CASES = (Case("of new people, one each", 0), Case("of people who are known", 1_000))


class BulkRoute:
    """`POST /api/v1/devices/bulk` as one client of a tenant calls it."""

    def __init__(self, stack: Stack, deps: Deps, name: str) -> None:
        account = make_service_account(f"fanfare-bench-{name}", stack.environment["OAUTH_TOKEN_URI"])
        self.tenant = create_tenant(deps, "Bench", account).id
        client, secret = create_client(deps, NewClient(self.tenant, "Bench", TENANT_SCOPES, LOAD_LIMITS))
        self._headers = {"Client-ID": client.id, "Client-Token": secret, "Content-Type": "application/json"}
        self._connection = HTTPConnection(stack.urls["api"].removeprefix("http://").rstrip("/"), timeout=SECONDS)

    def register(self, first: int, count: int) -> int:
        """Register so many devices of as many people; returns how many are stored."""
        devices = [_registration(number, number - first) for number in range(first, first + count)]
        # gunicorn closes what was idle for two seconds, as it is while the bare writes have their turn.
        self._connection.close()
        self._connection.request("POST", "/api/v1/devices/bulk", json.dumps({"devices": devices}), self._headers)
        answer = self._connection.getresponse()
        content = json.loads(answer.read())
        return sum("id" in item for item in content["items"]) if answer.status == requests.codes.ok else 0

    def close(self) -> None:
        self._connection.close()


def main(arguments: Sequence[str]) -> int:
    """Run the benchmark; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.register", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer and smaller rounds; printed only, docs/performance.md stays as it is")
    quick = parser.parse_args(arguments).quick
    try:
        with TemporaryDirectory(prefix="fanfare-bench-") as folder:
            text = _run(Path(folder), QUICK if quick else FULL)
    except (StackError, RuntimeError, requests.RequestException) as error:
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
        deps = build_deps(Settings.from_env(stack.environment))
        rows = [row for case in CASES for row in _measure(stack, deps, case, plan)]
    return "\n".join(
        [
            f"`make bench-register` made this section. {report.machine()}",
            f"{plan.devices:,} devices a request, one request at a time, the median of {plan.rounds} rounds in turns. Bare: the same documents by",
            f"`batch.set`, {BATCH} a commit. CPU is that of `api`, or of the process that writes, without the emulator's.",
            "",
            report.table(_COLUMNS, rows),
        ],
    )


def _measure(stack: Stack, deps: Deps, case: Case, plan: Plan) -> list[list[str]]:
    firestore = Firestore(project=PROJECT)
    leader = stack.pid("api") or 0
    api = [leader, *(process.pid for process in descendants_of(leader))]
    ours, bare = Rate(f"`POST /api/v1/devices/bulk`, {case.title}"), Rate("the same documents, bare batched writes")
    documents: Documents = []
    # Round 0 warms up: imports, connections and caches are no request's cost.
    for number in range(plan.rounds + 1):
        route = BulkRoute(stack, deps, f"{case.people}-{number}")
        try:
            if case.people:
                route.register(plan.devices, plan.devices)
            else:
                route.register(2 * plan.devices, 1)
            before = {path for path, _ in _stored(firestore, route.tenant)}
            seen = Rate(ours.title) if not number else ours
            seen.measure(lambda route=route: _checked(route.register(0, plan.devices), plan.devices), api)  # type: ignore[misc]
            documents = [(path, fields) for path, fields in _stored(firestore, route.tenant) if path not in before]
        finally:
            route.close()
        seen = Rate(bare.title) if not number else bare
        seen.measure(lambda number=number, documents=documents: _write(firestore, f"bare-{number}", documents, plan.devices), [os.getpid()])  # type: ignore[misc]
    return [_row(found, bare, len(documents) / plan.devices) for found in (bare, ours)]


def _registration(number: int, person: int) -> dict[str, object]:
    return {
        "token": token(number),
        "platform": "android",
        "username": f"bench-person-{person}",
        "device_id": f"install-{number}",
        "app_version": "3.2.1",
        "os_version": "15",
        "model": "Pixel 9",
        "locale": "en-GB",
        "timezone": "Europe/London",
        "tags": ["weekly"],
    }


def _checked(stored: int, wanted: int) -> int:
    if stored != wanted:
        raise RuntimeError(f"Only {stored} of {wanted} devices were registered.")
    return stored


def _stored(firestore: Firestore, tenant: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every document below a tenant but those that have nothing to do with devices, by its path there."""
    reference: DocumentReference = firestore.document(f"tenants/{tenant}")
    for collection in reference.collections():
        if collection.id not in _LEFT_OUT:
            for snapshot in collection.stream():
                yield snapshot.reference.path.split("/", 2)[2], snapshot.to_dict() or {}


def _write(firestore: Firestore, tenant: str, documents: Documents, devices: int) -> int:
    """Store the documents again, as plainly as the client library can: `updated_at` of a device is the server's here too."""
    left = iter(documents)
    while piece := list(itertools.islice(left, BATCH)):
        batch = firestore.batch()
        for path, fields in piece:
            server = {"updated_at": SERVER_TIMESTAMP} if path.startswith("devices/") else {}
            batch.set(firestore.document(f"tenants/{tenant}/{path}"), {**fields, **server})
        batch.commit(timeout=SECONDS)
    return devices


def _row(found: Rate, bare: Rate, documents: float) -> list[str]:
    return [
        found.title,
        f"{documents:.2f}",
        f"**{found.per_second:,.0f}**",
        f"{found.per_second / bare.per_second:.2f}",
        f"{found.cpu_micros:,.0f}",
        f"{found.cpu_micros / bare.cpu_micros:.2f}",
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
