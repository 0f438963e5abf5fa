"""Google Secret Manager: every credential and deployment key."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from google.api_core.exceptions import ServiceUnavailable
from google.api_core.retry import Retry, if_exception_type

from fanfare.adapters.google_errors import translated

if TYPE_CHECKING:
    from google.cloud.secretmanager_v1 import SecretManagerServiceClient

TIMEOUT_SECONDS = 10
_RETRY = Retry(predicate=if_exception_type(ServiceUnavailable), initial=0.2, maximum=1.0, timeout=4.0)
"""The client itself would try for a minute: longer than a chunk's lease, and than a caller of the API waits."""
PROBE_SECONDS = 2
_SECRET: Any = {"replication": {"automatic": {}}}


@dataclass(frozen=True, slots=True)
class SecretValue:
    """One version of a secret."""

    version: str
    value: bytes

    def __repr__(self) -> str:
        """Hide the value."""
        return f"SecretValue(version={self.version!r}, …)"


class GoogleSecretStore:
    """Reads and writes secrets of one project. `endpoint` is empty for Google's own or the address of a local stand-in."""

    def __init__(self, project: str, endpoint: str) -> None:
        self._project = project
        self._endpoint = endpoint

    def access(self, name: str, version: str = "latest") -> SecretValue:
        """Read one version; Unavailable if it can't be read."""
        path = f"projects/{self._project}/secrets/{name}/versions/{version}"
        with translated("Secret Manager"):
            answer = self._client.access_secret_version(name=path, timeout=TIMEOUT_SECONDS, retry=_RETRY)
        return SecretValue(_number(answer.name), answer.payload.data)

    def probe(self, name: str) -> None:
        """Read a secret and keep nothing of it; Unavailable if it can't be read in two seconds."""
        with translated("Secret Manager"):
            path = f"projects/{self._project}/secrets/{name}/versions/latest"
            self._client.access_secret_version(name=path, timeout=PROBE_SECONDS, retry=None)

    def store(self, name: str, value: bytes) -> str:
        """Add a version, creating the secret first where it does not exist; returns the version's number."""
        from google.api_core.exceptions import Conflict  # noqa: PLC0415 - comes with the client, which is imported late

        parent = f"projects/{self._project}"
        payload: Any = {"data": value}
        with translated("Secret Manager"):
            with suppress(Conflict):  # The secret is there from an earlier call; only the version is new.
                self._client.create_secret(parent=parent, secret_id=name, secret=_SECRET, timeout=TIMEOUT_SECONDS)
            added = self._client.add_secret_version(parent=f"{parent}/secrets/{name}", payload=payload, timeout=TIMEOUT_SECONDS)
        return _number(added.name)

    def destroy(self, name: str, version: str) -> None:
        """Destroy a version's value for ever; one that is destroyed already stays so."""
        from google.api_core.exceptions import BadRequest  # noqa: PLC0415 - comes with the client, which is imported late

        path = f"projects/{self._project}/secrets/{name}/versions/{version}"
        with translated("Secret Manager"), suppress(BadRequest):
            self._client.destroy_secret_version(name=path, timeout=TIMEOUT_SECONDS, retry=_RETRY)

    def disable_older(self, name: str, version: str) -> None:
        """Disable every version before this one: the one that it replaces, and what attempts that were broken off have left behind."""
        parent = f"projects/{self._project}/secrets/{name}"
        with translated("Secret Manager"):
            found = self._client.list_secret_versions(parent=parent, timeout=TIMEOUT_SECONDS, retry=_RETRY)
            older = [old.name for old in found if old.state.name == "ENABLED" and int(_number(old.name)) < int(version)]
            for path in older:
                self._client.disable_secret_version(name=path, timeout=TIMEOUT_SECONDS, retry=_RETRY)

    @cached_property
    def _client(self) -> SecretManagerServiceClient:
        # Imported at the first use: the client costs a cold start a tenth of a second, and a warm instance reads few secrets.
        from google.cloud.secretmanager_v1 import SecretManagerServiceClient  # noqa: PLC0415

        if not self._endpoint:
            return SecretManagerServiceClient()
        from google.auth.credentials import AnonymousCredentials  # noqa: PLC0415
        from google.cloud.secretmanager_v1.services.secret_manager_service.transports import SecretManagerServiceRestTransport  # noqa: PLC0415

        address = urlsplit(self._endpoint)
        transport = SecretManagerServiceRestTransport(host=address.netloc, url_scheme=address.scheme, credentials=AnonymousCredentials())
        return SecretManagerServiceClient(transport=transport)


def _number(path: str) -> str:
    return path.rsplit("/", 1)[-1]
