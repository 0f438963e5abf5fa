"""The real stores, as `wiring` builds them, on the Firestore emulator and with secrets that a test knows."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields
from typing import Any, cast

import pytest
from google.cloud.firestore import Client as Firestore

from fanfare import ports
from fanfare.adapters.deployment_keys import DeploymentKeys
from fanfare.adapters.firestore.client import open_client
from fanfare.adapters.kms import CloudKms
from fanfare.adapters.secret_manager import SecretValue
from fanfare.adapters.system import SystemIdentifiers
from fanfare.config import Settings
from fanfare.domain.identifiers import encode_base64url
from fanfare.ports import IndexVersions
from fanfare.wiring import build_stores
from tests.fakes import FixedClock

ELSEWHERE = {
    "SEND_URL": "http://send.invalid/",
    "SCHEDULE_URL": "http://schedule.invalid/",
    "FANOUT_URL": "http://fanout.invalid/",
    "ROLLUP_URL": "http://rollup.invalid/",
    "CLEANUP_URL": "http://cleanup.invalid/",
    "KEEPALIVE_URL": "http://keepalive.invalid/",
    "WEBHOOK_URL": "http://webhook.invalid/",
    "TASKS_SERVICE_ACCOUNT": "tasks@accounts.invalid",
    "SCHEDULER_SERVICE_ACCOUNT": "scheduler@accounts.invalid",
}
"""Settings must be complete; no store looks at these."""


@dataclass(frozen=True, slots=True)
class Stores(ports.Stores):
    """One of each store, over the same data, and what a test turns: their clock and the versions of their index keys."""

    clock: FixedClock
    index_versions: IndexVersions


def stores_of(kept: ports.Stores, clock: FixedClock, index_versions: IndexVersions) -> Stores:
    """Put stores together with what a test turns."""
    return Stores(**{field.name: getattr(kept, field.name) for field in fields(ports.Stores)}, clock=clock, index_versions=index_versions)


class FixedSecrets:
    """Secret Manager with values that follow from a secret's name and version; `newest` is the version that somebody added last."""

    def __init__(self, newest: str = "1") -> None:
        self.newest = newest

    def access(self, name: str, version: str = "latest") -> SecretValue:
        found = self.newest if version == "latest" else version
        return SecretValue(found, encode_base64url(hashlib.sha256(f"{name}/{found}".encode()).digest()).encode())


def open_firestore(host: str, project: str) -> Firestore:
    """Open a database of the emulator: the client finds it by the environment, and only while it is made."""
    settings = Settings.from_env({**ELSEWHERE, "GOOGLE_CLOUD_PROJECT": project})
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("FIRESTORE_EMULATOR_HOST", host)
        return open_client(settings)


def real_stores(firestore: Firestore, clock: FixedClock | None = None, secrets: FixedSecrets | None = None, kms: CloudKms | None = None) -> Stores:
    """Build the stores of one instance; several of them may share a clock, secrets and Cloud KMS."""
    clock, identifiers, keys = clock or FixedClock(), SystemIdentifiers(), DeploymentKeys(cast("Any", secrets or FixedSecrets()), kms)
    return stores_of(build_stores(firestore, clock, identifiers, keys), clock, keys)
