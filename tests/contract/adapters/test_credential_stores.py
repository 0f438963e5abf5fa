"""What every store of credentials does: the one in memory and Secret Manager's."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fanfare.adapters.secret_manager import GoogleSecretStore
from fanfare.domain.errors import Unavailable
from fanfare.ports import CredentialStore
from tests.fakes import MemoryCredentialStore

NAME = "fanfare-fcm-acme"
Enabled = Callable[[], list[str]]


def _readable(secrets: GoogleSecretStore, version: str) -> bool:
    try:
        secrets.access(NAME, version)
    except Unavailable:
        return False
    return True


@pytest.fixture(params=["memory", "secret manager"])
def stored(request: pytest.FixtureRequest) -> tuple[CredentialStore, Enabled]:
    """A store, and a look at which of the first twelve versions can be used."""
    if request.param == "memory":
        memory = MemoryCredentialStore()
        return memory, lambda: memory.enabled(NAME)
    secrets: GoogleSecretStore = request.getfixturevalue("secrets")
    return secrets, lambda: [str(number) for number in range(1, 13) if _readable(secrets, str(number))]


def test_each_version_has_the_next_number_and_all_can_be_used(stored: tuple[CredentialStore, Enabled]) -> None:
    store, enabled = stored
    assert [store.store(NAME, value) for value in (b"1", b"2", b"3")] == ["1", "2", "3"]
    assert enabled() == ["1", "2", "3"]


def test_destroyed_version_can_not_be_used_and_stays_so(stored: tuple[CredentialStore, Enabled]) -> None:
    store, enabled = stored
    for value in (b"1", b"2"):
        store.store(NAME, value)
    for _ in range(2):
        store.destroy(NAME, "1")
    assert enabled() == ["2"]
    assert store.store(NAME, b"3") == "3"


def test_versions_before_one_are_disabled_and_that_one_and_later_ones_are_not(stored: tuple[CredentialStore, Enabled]) -> None:
    store, enabled = stored
    for number in range(1, 12):
        store.store(NAME, str(number).encode())
    store.destroy(NAME, "3")
    for _ in range(2):
        store.disable_older(NAME, "10")
    assert enabled() == ["10", "11"]
