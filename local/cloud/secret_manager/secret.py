"""A secret and its numbered versions."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from enum import StrEnum

import google_crc32c

from local.cloud.errors import failed_precondition, invalid_argument, not_found
from local.cloud.wire import Document, format_timestamp, parse_bytes, parse_integer

_MAX_PAYLOAD_BYTES = 64 * 1024


class VersionState(StrEnum):
    """States of a version; a destroyed one stays so."""

    ENABLED = "ENABLED"
    DISABLED = "DISABLED"
    DESTROYED = "DESTROYED"


@dataclass(slots=True)
class SecretVersion:
    """One value of a secret; times in epoch seconds."""

    name: str
    payload: bytes
    create_time: float
    has_checksum: bool
    state: VersionState = VersionState.ENABLED
    destroy_time: float | None = None

    def access(self) -> Document:
        """Return the value, 400 FAILED_PRECONDITION unless enabled."""
        if self.state is not VersionState.ENABLED:
            raise failed_precondition(f"Secret Version [{self.name}] is in {self.state} state.")
        data = base64.b64encode(self.payload).decode()
        return {"name": self.name, "payload": {"data": data, "dataCrc32c": str(google_crc32c.value(self.payload))}}

    def move_to(self, state: VersionState, now: float) -> None:
        """Change the state; 400 FAILED_PRECONDITION once destroyed."""
        if self.state is VersionState.DESTROYED:
            raise failed_precondition(f"Secret Version [{self.name}] is in {self.state} state.")
        self.state = state
        if state is VersionState.DESTROYED:
            self.payload = b""
            self.destroy_time = now

    def to_document(self) -> Document:
        """Return it as Google's ``SecretVersion``, without the value."""
        document: Document = {
            "name": self.name,
            "createTime": format_timestamp(self.create_time),
            "state": str(self.state),
            "clientSpecifiedPayloadChecksum": self.has_checksum,
        }
        return document if self.destroy_time is None else {**document, "destroyTime": format_timestamp(self.destroy_time)}


@dataclass(slots=True)
class Secret:
    """A secret; ``settings`` are what the caller gave (replication, labels, annotations, …)."""

    name: str
    settings: Document
    create_time: float
    versions: list[SecretVersion] = field(default_factory=list)

    def add_version(self, document: Document, now: float) -> SecretVersion:
        """Append a version from ``{data, dataCrc32c}``; 400 when the checksum differs or it is over 64 KiB."""
        payload = parse_bytes(document.get("data", ""), "payload.data")
        if not 0 < len(payload) <= _MAX_PAYLOAD_BYTES:
            raise invalid_argument(f"The payload must hold 1 to {_MAX_PAYLOAD_BYTES} bytes")
        _check_checksum(document, payload)
        version = SecretVersion(f"{self.name}/versions/{len(self.versions) + 1}", payload, now, "dataCrc32c" in document)
        self.versions.append(version)
        return version

    def find_version(self, number: str) -> SecretVersion:
        """Return a version by number, or the newest for ``latest`` (whatever its state, as Google does); else 404."""
        wanted = str(len(self.versions)) if number == "latest" else number
        for version in self.versions:
            if version.name == f"{self.name}/versions/{wanted}":
                return version
        raise not_found(f"Secret Version [{self.name}/versions/{number}] not found.")

    def to_document(self) -> Document:
        """Return it as Google's ``Secret``."""
        return {**self.settings, "name": self.name, "createTime": format_timestamp(self.create_time)}


def _check_checksum(document: Document, payload: bytes) -> None:
    if "dataCrc32c" not in document:
        return
    if parse_integer(document["dataCrc32c"], "payload.dataCrc32c", -(2**63), 2**63 - 1) != google_crc32c.value(payload):
        raise invalid_argument("The payload's checksum does not match dataCrc32c")
