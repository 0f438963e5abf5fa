"""The real stores, built as `wiring` builds them, on the Firestore emulator and with secrets that a test knows."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, cast

import pytest
from google.cloud.firestore import Client as Firestore

from fanfare.adapters.blind_index import BlindIndex
from fanfare.adapters.cipher import FieldCipher
from fanfare.adapters.deployment_keys import DeploymentKeys
from fanfare.adapters.firestore.client import open_client
from fanfare.adapters.firestore.clients import FirestoreClientStore
from fanfare.adapters.firestore.devices import FirestoreDeviceStore
from fanfare.adapters.firestore.idempotency import FirestoreIdempotencyStore
from fanfare.adapters.firestore.notifications import FirestoreNotificationStore
from fanfare.adapters.firestore.profiles import FirestoreProfileStore
from fanfare.adapters.firestore.tenants import FirestoreTenantStore
from fanfare.adapters.secret_manager import SecretValue
from fanfare.adapters.system import SystemIdentifiers, random_bytes
from fanfare.config import Settings
from fanfare.domain.identifiers import encode_base64url
from fanfare.ports import ClientStore, DeviceStore, IdempotencyStore, NotificationStore, ProfileStore, TenantStore
from tests.fakes import FixedClock

# Settings must be complete; no store looks at these.
_ELSEWHERE = {
    "SEND_URL": "http://send.invalid/",
    "SCHEDULE_URL": "http://schedule.invalid/",
    "TASKS_SERVICE_ACCOUNT": "tasks@accounts.invalid",
    "SCHEDULER_SERVICE_ACCOUNT": "scheduler@accounts.invalid",
}


@dataclass(frozen=True, slots=True)
class Stores:
    """One of each store, over the same data."""

    clock: FixedClock
    clients: ClientStore
    tenants: TenantStore
    profiles: ProfileStore
    devices: DeviceStore
    notifications: NotificationStore
    idempotency: IdempotencyStore


class FixedSecrets:
    """Secret Manager with one version of every secret, which follows from its name."""

    def access(self, name: str, version: str = "latest") -> SecretValue:
        return SecretValue("1", encode_base64url(hashlib.sha256(name.encode()).digest()).encode())


def open_firestore(host: str, project: str) -> Firestore:
    """Open a database of the emulator: the client finds it by the environment, and only while it is made."""
    settings = Settings.from_env({**_ELSEWHERE, "GOOGLE_CLOUD_PROJECT": project})
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("FIRESTORE_EMULATOR_HOST", host)
        return open_client(settings)


def real_stores(firestore: Firestore) -> Stores:
    """Build the stores of one instance."""
    clock, identifiers, keys = FixedClock(), SystemIdentifiers(), DeploymentKeys(cast("Any", FixedSecrets()))
    tenants = FirestoreTenantStore(firestore, clock, identifiers, keys, random_bytes)
    cipher, index = FieldCipher(tenants, random_bytes), BlindIndex(keys)
    return Stores(
        clock=clock,
        clients=FirestoreClientStore(firestore, clock, identifiers),
        tenants=tenants,
        profiles=FirestoreProfileStore(firestore, identifiers, index),
        devices=FirestoreDeviceStore(firestore, identifiers, index, cipher),
        notifications=FirestoreNotificationStore(firestore, identifiers, cipher),
        idempotency=FirestoreIdempotencyStore(firestore, identifiers),
    )
