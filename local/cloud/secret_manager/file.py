"""The secrets in a file, so that what is encrypted with them outlives the process. The file is for its owner alone."""

from __future__ import annotations

import base64
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from local.cloud.secret_manager.secret import Secret, SecretVersion, VersionState
from local.cloud.secret_manager.store import SecretStore


def read_secrets(file: Path | None) -> SecretStore:
    """Return the secrets of a file, none where there is no file; raises OSError where it can't be read and ValueError where it is no such file."""
    store = SecretStore()
    if file is not None and file.exists():
        try:
            store.put([_to_secret(document) for document in json.loads(file.read_text(encoding="utf-8"))])
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{file} does not hold secrets") from error
    return store


def write_secrets(store: SecretStore, file: Path) -> None:
    """Write every secret with its versions; the file is never half written."""
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f"{file.name}.partial")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as opened:
        json.dump([_to_document(secret) for secret in store.all()], opened)
    partial.replace(file)


def _to_document(secret: Secret) -> dict[str, Any]:
    versions = [{**asdict(version), "payload": base64.b64encode(version.payload).decode("ascii")} for version in secret.versions]
    return {**asdict(secret), "versions": versions}


def _to_secret(document: dict[str, Any]) -> Secret:
    return Secret(**{**document, "versions": [_to_version(version) for version in document["versions"]]})


def _to_version(document: dict[str, Any]) -> SecretVersion:
    return SecretVersion(**{**document, "payload": base64.b64decode(document["payload"]), "state": VersionState(document["state"])})
