from __future__ import annotations

from pathlib import Path

import pytest

from local.cloud.secret_manager.file import read_secrets, write_secrets
from local.cloud.secret_manager.secret import VersionState
from local.cloud.secret_manager.store import SecretStore

PARENT = "projects/p"
REPLICATION = {"replication": {"automatic": {}}}


def test_secrets_come_back_with_every_version_and_its_state(tmp_path: Path) -> None:
    store = SecretStore()
    secret = store.create(PARENT, "key", {**REPLICATION, "labels": {"a": "b"}}, 1.5)
    store.create(PARENT, "empty", REPLICATION, 2.0)
    for data in ("AP8=", "AQ==", "Ag=="):
        secret.add_version({"data": data}, 3.0)
    secret.find_version("1").move_to(VersionState.DISABLED, 4.0)
    secret.find_version("2").move_to(VersionState.DESTROYED, 5.0)
    write_secrets(store, tmp_path / "kept/secrets.json")
    assert read_secrets(tmp_path / "kept/secrets.json").all() == store.all()


def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    write_secrets(SecretStore(), tmp_path / "secrets.json")
    assert (tmp_path / "secrets.json").stat().st_mode & 0o777 == 0o600


def test_without_a_file_there_is_no_secret(tmp_path: Path) -> None:
    assert read_secrets(tmp_path / "secrets.json").all() == []
    assert read_secrets(None).all() == []


@pytest.mark.parametrize("text", ["", "{", "[1]", "[{}]", '[{"name": "a", "versions": []}]', '{"a": 1}'])
def test_a_file_of_something_else_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "secrets.json").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"secrets|Expecting"):
        read_secrets(tmp_path / "secrets.json")
