"""The life of a secret, through the real Secret Manager client."""

from __future__ import annotations

import uuid

import google_crc32c
import pytest
from google.api_core import exceptions
from google.cloud import secretmanager_v1

Secrets = secretmanager_v1.SecretManagerServiceClient
State = secretmanager_v1.SecretVersion.State
PROJECT = "projects/demo"


def make_secret(secrets: Secrets) -> str:
    secret = secretmanager_v1.Secret(replication={"automatic": {}}, labels={"tenant": "t1"})
    return str(secrets.create_secret(parent=PROJECT, secret_id=f"s-{uuid.uuid4().hex[:12]}", secret=secret).name)


def add(secrets: Secrets, name: str, data: bytes) -> str:
    payload = secretmanager_v1.SecretPayload(data=data, data_crc32c=google_crc32c.value(data))
    return str(secrets.add_secret_version(parent=name, payload=payload).name)


def test_value_comes_back_with_its_checksum(secrets: Secrets) -> None:
    name = make_secret(secrets)
    version = add(secrets, name, b"\x00value\xff")
    answer = secrets.access_secret_version(name=version)
    assert version == f"{name}/versions/1"
    assert (answer.payload.data, answer.payload.data_crc32c) == (b"\x00value\xff", google_crc32c.value(b"\x00value\xff"))


def test_latest_is_the_newest_version(secrets: Secrets) -> None:
    name = make_secret(secrets)
    add(secrets, name, b"old")
    newest = add(secrets, name, b"new")
    answer = secrets.access_secret_version(name=f"{name}/versions/latest")
    assert (answer.name, answer.payload.data) == (newest, b"new")


def test_disabled_latest_is_not_skipped(secrets: Secrets) -> None:
    name = make_secret(secrets)
    add(secrets, name, b"old")
    newest = add(secrets, name, b"new")
    assert secrets.disable_secret_version(name=newest).state == State.DISABLED
    with pytest.raises(exceptions.BadRequest, match="DISABLED"):
        secrets.access_secret_version(name=f"{name}/versions/latest")
    assert secrets.enable_secret_version(name=newest).state == State.ENABLED
    assert secrets.access_secret_version(name=f"{name}/versions/latest").payload.data == b"new"


def test_destroyed_version_stays_destroyed(secrets: Secrets) -> None:
    name = make_secret(secrets)
    version = add(secrets, name, b"value")
    destroyed = secrets.destroy_secret_version(name=version)
    assert destroyed.state == State.DESTROYED
    assert destroyed.destroy_time >= destroyed.create_time
    with pytest.raises(exceptions.BadRequest, match="DESTROYED"):
        secrets.access_secret_version(name=version)
    with pytest.raises(exceptions.BadRequest, match="DESTROYED"):
        secrets.enable_secret_version(name=version)


def test_versions_and_secrets_are_listed(secrets: Secrets) -> None:
    name = make_secret(secrets)
    added = [add(secrets, name, data) for data in (b"1", b"2", b"3")]
    listed = secrets.list_secret_versions(request={"parent": name, "page_size": 2})
    assert [version.name for version in listed] == added[::-1]
    assert secrets.get_secret(name=name).labels == {"tenant": "t1"}
    assert name in {secret.name for secret in secrets.list_secrets(parent=PROJECT)}


def test_existing_secret_conflicts(secrets: Secrets) -> None:
    name = make_secret(secrets)
    with pytest.raises(exceptions.Conflict):
        secrets.create_secret(parent=PROJECT, secret_id=name.rpartition("/")[2], secret=secretmanager_v1.Secret(replication={"automatic": {}}))


def test_missing_secret_or_version_is_not_found(secrets: Secrets) -> None:
    name = make_secret(secrets)
    for missing in (f"{name}/versions/latest", f"{name}/versions/4", f"{PROJECT}/secrets/none/versions/1"):
        with pytest.raises(exceptions.NotFound):
            secrets.access_secret_version(name=missing)


def test_deleted_secret_is_gone(secrets: Secrets) -> None:
    name = make_secret(secrets)
    secrets.delete_secret(name=name)
    with pytest.raises(exceptions.NotFound):
        secrets.get_secret(name=name)


def test_wrong_checksum_or_no_replication_is_refused(secrets: Secrets) -> None:
    name = make_secret(secrets)
    with pytest.raises(exceptions.BadRequest, match="checksum"):
        secrets.add_secret_version(parent=name, payload=secretmanager_v1.SecretPayload(data=b"x", data_crc32c=1))
    with pytest.raises(exceptions.BadRequest, match="replication"):
        secrets.create_secret(parent=PROJECT, secret_id="bare", secret=secretmanager_v1.Secret())
