"""A broadcast as it is usually done: read every device's document, `send_each`, write a document for every delivery."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from firebase_admin import messaging
from google.auth.credentials import AnonymousCredentials
from google.cloud.firestore import Client, DocumentSnapshot

from tests.bench import workload
from tests.bench.contestants.firebase import message_to, open_app

BATCH = 500
SECONDS = 60.0


def prepare(settings: Mapping[str, Any]) -> Callable[[int], int]:
    """Open the SDK and the database, and store devices as such a backend has them; returns what sends to so many and counts the accepted."""
    app = open_app(settings)
    # The Firestore client finds the emulator by the environment alone.
    os.environ["FIRESTORE_EMULATOR_HOST"] = settings["firestore_host"]
    firestore = Client(project=settings["firestore_project"], credentials=AnonymousCredentials())
    _store_devices(firestore, settings["devices"])
    rounds = iter(range(1_000_000))
    return lambda count: _broadcast(firestore, app, f"usual/{next(rounds)}/deliveries", count)


def _store_devices(firestore: Client, count: int) -> None:
    now = datetime.now(tz=UTC)
    for first in range(0, count, BATCH):
        batch = firestore.batch()
        for number in range(first, min(first + BATCH, count)):
            fields = {"token": workload.token(number), "platform": "android", "user_id": f"person-{number}", "locale": "en-GB", "active": True}
            batch.set(firestore.document(f"usual/audience/devices/{workload.device_id(number)}"), {**fields, "last_seen_at": now})
        batch.commit(timeout=SECONDS)


def _broadcast(firestore: Client, app: Any, deliveries: str, count: int) -> int:
    return sum(_deliver(firestore, app, deliveries, page) for page in _pages(firestore, count))


def _pages(firestore: Client, count: int) -> Iterator[list[DocumentSnapshot[Any]]]:
    """The active devices, 500 a query."""
    query = firestore.collection("usual/audience/devices").order_by("__name__").limit(BATCH)
    page: list[DocumentSnapshot[Any]] = []
    for _ in range(count // BATCH):
        page = list((query.start_after(page[-1]) if page else query).stream())
        yield page


def _deliver(firestore: Client, app: Any, deliveries: str, page: Sequence[DocumentSnapshot[Any]]) -> int:
    devices = [(snapshot.id, snapshot.to_dict() or {}) for snapshot in page]
    answers = messaging.send_each([message_to(device["token"]) for _, device in devices], app=app).responses
    batch = firestore.batch()
    for (device_id, device), answer in zip(devices, answers, strict=True):
        fields = {"user_id": device["user_id"], "state": "sent" if answer.success else "failed", "message_id": answer.message_id}
        batch.set(firestore.document(f"{deliveries}/{device_id}"), {**fields, "at": datetime.now(tz=UTC)})
    batch.commit(timeout=SECONDS)
    return sum(answer.success for answer in answers)
