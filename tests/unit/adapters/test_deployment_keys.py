"""Keys of one purpose derived from the deployment's."""

from __future__ import annotations

from typing import Any, cast

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from hypothesis import given
from hypothesis import strategies as st

from fanfare.adapters.deployment_keys import BLIND_INDEX_KEY, CURSOR_KEY, DeploymentKeys, derive
from tests.unit.adapters.keys import VersionedSecrets, deployment_keys


@given(st.binary(min_size=32, max_size=32), st.text(max_size=40))
def test_a_derived_key_is_what_hkdf_expands(key: bytes, purpose: str) -> None:
    assert derive(key, purpose) == HKDFExpand(SHA256(), 32, purpose.encode("utf-8")).derive(key)


def test_versions_of_a_key_are_kept_apart() -> None:
    keys = deployment_keys("2")
    assert keys.key(CURSOR_KEY).version == "2"
    assert keys.key(CURSOR_KEY, "1").version == "1"
    assert len({keys.key(CURSOR_KEY, version).value for version in ("1", "2", "latest")}) == 2


def test_purposes_have_keys_of_their_own() -> None:
    keys = deployment_keys()
    assert len({keys.receipt_key("acme"), keys.receipt_key("globex"), keys.cursor_key(), keys.key(CURSOR_KEY, "2").value}) == 4


def test_newest_version_is_asked_for_anew_although_another_was_the_latest_before() -> None:
    secrets = VersionedSecrets("2")
    keys = DeploymentKeys(cast("Any", secrets))
    before = keys.key(BLIND_INDEX_KEY)
    secrets.latest = "3"
    assert keys.newest_index_version() == keys.newest(BLIND_INDEX_KEY).version == "3"
    assert keys.newest(BLIND_INDEX_KEY) == keys.key(BLIND_INDEX_KEY, "3")
    assert keys.key(BLIND_INDEX_KEY) == before, "what uses the latest version goes on with what it began with"
