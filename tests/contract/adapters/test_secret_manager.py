"""Secrets as Secret Manager keeps them, and the deployment's keys, each read once."""

from __future__ import annotations

import itertools
import os
import time
from base64 import b64encode
from collections.abc import Callable

import pytest
import requests

from fanfare.adapters.deployment_keys import BLIND_INDEX_KEY, CURSOR_KEY, RECEIPT_KEY, DeploymentKeys
from fanfare.adapters.secret_manager import PROBE_SECONDS, GoogleSecretStore
from fanfare.domain.errors import Unavailable
from fanfare.domain.identifiers import encode_base64url
from local.stack import Stack
from tests.contract.adapters.scripted import Asked, Reply, ScriptedServer, SilentServer, unused_url

PATIENCE_SECONDS = 8.0


def test_a_stored_secret_is_read_back_byte_by_byte(secrets: GoogleSecretStore) -> None:
    secrets.store("credential", b"\x00first\xff")
    assert secrets.access("credential").value == b"\x00first\xff"


def test_a_secret_stored_again_has_a_new_version_and_keeps_the_old(secrets: GoogleSecretStore) -> None:
    for value in (b"first", b"second"):
        secrets.store("credential", value)
    assert (secrets.access("credential").version, secrets.access("credential").value) == ("2", b"second")
    assert (secrets.access("credential", "1").version, secrets.access("credential", "1").value) == ("1", b"first")


def test_a_value_is_not_shown_by_its_representation(secrets: GoogleSecretStore) -> None:
    secrets.store("credential", b"hush")
    assert "hush" not in repr(secrets.access("credential"))


@pytest.mark.parametrize("version", ["latest", "7"])
def test_an_unknown_secret_is_unavailable(secrets: GoogleSecretStore, version: str) -> None:
    with pytest.raises(Unavailable):
        secrets.access("unheard-of", version)


def test_a_disabled_version_is_unavailable(outside: Stack, secrets: GoogleSecretStore, project_id: str) -> None:
    secrets.store("credential", b"first")
    requests.post(f"{outside.cloud_url}/v1/projects/{project_id}/secrets/credential/versions/1:disable", json={}, timeout=10).raise_for_status()
    with pytest.raises(Unavailable):
        secrets.access("credential")


def test_secret_manager_that_is_gone_is_told() -> None:
    store = GoogleSecretStore("acme", unused_url())
    with pytest.raises(Unavailable):
        store.access("credential")
    with pytest.raises(Unavailable):
        store.store("credential", b"value")
    with pytest.raises(Unavailable):
        store.destroy("credential", "1")
    with pytest.raises(Unavailable):
        store.disable_older("credential", "2")


def _failing(times: int, value: bytes = b"value") -> Callable[[Asked], Reply]:
    """Secret Manager that is overloaded for some requests."""
    left = itertools.count(times, -1)
    found = {"name": "projects/acme/secrets/credential/versions/3", "payload": {"data": b64encode(value).decode("ascii")}}
    busy = Reply.of({"error": {"code": 503, "status": "UNAVAILABLE", "message": "busy"}}, status=503)
    return lambda _asked: busy if next(left) > 0 else Reply.of(found)


def test_a_moment_of_overload_is_waited_out(server: ScriptedServer) -> None:
    server.reply = _failing(2)
    assert GoogleSecretStore("acme", server.url).access("credential").value == b"value"


def test_overload_that_lasts_is_told_before_a_lease_ends(server: ScriptedServer) -> None:
    server.reply = _failing(1_000)
    started = time.monotonic()
    with pytest.raises(Unavailable):
        GoogleSecretStore("acme", server.url).access("credential")
    assert time.monotonic() - started < PATIENCE_SECONDS


@pytest.fixture
def key_value(secrets: GoogleSecretStore) -> bytes:
    """Each of the deployment's keys, with the same value."""
    value = os.urandom(32)
    for name in (RECEIPT_KEY, CURSOR_KEY, BLIND_INDEX_KEY):
        secrets.store(name, f"{encode_base64url(value)}\n".encode("ascii"))
    return value


def test_a_deployment_key_is_decoded_and_read_once(secrets: GoogleSecretStore, key_value: bytes) -> None:
    keys = DeploymentKeys(secrets)
    assert (keys.key(CURSOR_KEY).version, keys.key(CURSOR_KEY).value) == ("1", key_value)
    secrets.store(CURSOR_KEY, encode_base64url(bytes(32)).encode("ascii"))
    assert keys.cursor_key() == key_value
    assert DeploymentKeys(secrets).cursor_key() == bytes(32)


def test_a_deployment_key_costs_one_request(server: ScriptedServer) -> None:
    server.reply = _failing(0, encode_base64url(bytes(32)).encode("ascii"))
    keys = DeploymentKeys(GoogleSecretStore("acme", server.url))
    for _ in range(3):
        assert keys.cursor_key() == bytes(32)
    assert keys.key(CURSOR_KEY, "3").value == bytes(32)
    assert len(server.asked) == 1


def test_a_key_that_was_read_outlives_an_outage(server: ScriptedServer) -> None:
    server.reply = _failing(0, encode_base64url(bytes(32)).encode("ascii"))
    keys = DeploymentKeys(GoogleSecretStore("acme", server.url))
    key = keys.receipt_key("acme")
    server.reply = lambda _asked: Reply(500)
    assert keys.receipt_key("acme") == key
    with pytest.raises(Unavailable):
        keys.key(BLIND_INDEX_KEY)


def test_receipt_keys_of_two_tenants_differ(secrets: GoogleSecretStore, key_value: bytes) -> None:
    keys = DeploymentKeys(secrets)
    assert len({keys.receipt_key("acme"), keys.receipt_key("globex"), keys.cursor_key()}) == 3
    assert keys.receipt_key("acme") == DeploymentKeys(secrets).receipt_key("acme")


def test_a_hanging_secret_manager_is_told(silent: SilentServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fanfare.adapters.secret_manager.TIMEOUT_SECONDS", 0.5)
    started = time.monotonic()
    with pytest.raises(Unavailable):
        GoogleSecretStore("acme", f"http://{silent.address}").access("credential")
    assert time.monotonic() - started < PATIENCE_SECONDS


def test_a_probe_finds_a_secret_and_tells_a_missing_one(secrets: GoogleSecretStore) -> None:
    secrets.store("credential", b"value")
    secrets.probe("credential")
    with pytest.raises(Unavailable):
        secrets.probe("unheard-of")


def test_a_probe_asks_once_and_not_for_long(server: ScriptedServer, silent: SilentServer) -> None:
    server.reply = _failing(1)
    with pytest.raises(Unavailable):
        GoogleSecretStore("acme", server.url).probe("credential")
    assert len(server.asked) == 1
    started = time.monotonic()
    with pytest.raises(Unavailable):
        GoogleSecretStore("acme", f"http://{silent.address}").probe("credential")
    assert time.monotonic() - started < PROBE_SECONDS + 2
