"""The deployment's own secrets, created in the stand-in with the client that production uses."""

from __future__ import annotations

import base64
import secrets

from google.api_core.exceptions import Conflict
from google.auth.credentials import AnonymousCredentials
from google.cloud.secretmanager_v1 import SecretManagerServiceClient
from google.cloud.secretmanager_v1.services.secret_manager_service.transports.rest import SecretManagerServiceRestTransport
from google.cloud.secretmanager_v1.types import Replication, Secret, SecretPayload

DEPLOYMENT_SECRETS = ("fanfare-data-key", "fanfare-blind-index-key", "fanfare-receipt-key", "fanfare-cursor-key")
_KEY_BYTES = 32
_TIMEOUT_SECONDS = 10.0


def create_deployment_secrets(address: str, *, project: str) -> None:
    """Create each secret with one version of 32 random bytes as base64url text; one that exists is left as it is."""
    credentials = AnonymousCredentials()
    transport = SecretManagerServiceRestTransport(host=address, url_scheme="http", credentials=credentials)
    with SecretManagerServiceClient(transport=transport) as client:
        for name in DEPLOYMENT_SECRETS:
            _create(client, project, name)


def _create(client: SecretManagerServiceClient, project: str, name: str) -> None:
    parent = f"projects/{project}"
    empty = Secret(replication=Replication(automatic=Replication.Automatic()))
    try:
        secret = client.create_secret(parent=parent, secret_id=name, secret=empty, timeout=_TIMEOUT_SECONDS)
    except Conflict:
        return
    value = base64.urlsafe_b64encode(secrets.token_bytes(_KEY_BYTES))
    client.add_secret_version(parent=secret.name, payload=SecretPayload(data=value), timeout=_TIMEOUT_SECONDS)
