"""A database to look into, beside the adapters that are tested on it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from google.cloud.firestore import Client as Firestore

from tests.contract.stores.real import open_firestore


@pytest.fixture
def firestore(emulator: str, project_id: str) -> Iterator[Firestore]:
    """A bare client of a database of the test's own: it sees what is stored, and does what a hand does in the console."""
    client = open_firestore(emulator, project_id)
    yield client
    client.close()
