from __future__ import annotations

import base64
import json
from collections.abc import Iterator

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud.secretmanager_v1 import SecretManagerServiceClient
from google.cloud.secretmanager_v1.services.secret_manager_service.transports.rest import SecretManagerServiceRestTransport
from google.cloud.tasks_v2 import CloudTasksClient
from google.cloud.tasks_v2.services.cloud_tasks.transports.rest import CloudTasksRestTransport
from google.cloud.tasks_v2.types import Queue

from local.deployment_secrets import DEPLOYMENT_SECRETS, create_deployment_secrets
from local.queues import create_queues
from local.settings import StackSettings
from local.stack import Stack

LOCATION = "projects/fanfare-local/locations/us-central1"


@pytest.fixture(scope="module")
def cloud_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with Stack(StackSettings(), folder=tmp_path_factory.mktemp("cloud"), parts={"cloud"}) as stack:
        yield stack.cloud_url.removeprefix("http://")


def read_secrets(address: str) -> dict[str, bytes]:
    transport = SecretManagerServiceRestTransport(host=address, url_scheme="http", credentials=AnonymousCredentials())  # type: ignore[no-untyped-call]
    with SecretManagerServiceClient(transport=transport) as client:
        names = {name: f"projects/fanfare-local/secrets/{name}/versions/latest" for name in DEPLOYMENT_SECRETS}
        return {name: client.access_secret_version(name=version).payload.data for name, version in names.items()}


def test_every_queue_exists_with_its_policy(cloud_address: str) -> None:
    transport = CloudTasksRestTransport(host=cloud_address, url_scheme="http", credentials=AnonymousCredentials())  # type: ignore[no-untyped-call]
    with CloudTasksClient(transport=transport) as client:
        queues = {queue.name.rpartition("/")[2]: queue for queue in client.list_queues(parent=LOCATION)}
    found = {name: Queue.to_json(queue) for name, queue in queues.items()}
    retries = {name: json.loads(text)["retryConfig"] for name, text in found.items()}
    limits = {name: json.loads(text)["rateLimits"] for name, text in found.items()}
    assert {name: (limit["maxConcurrentDispatches"], limit["maxDispatchesPerSecond"]) for name, limit in limits.items()} == {
        "send": (16, 500.0),
        "send-bulk": (6, 500.0),
        "fanout": (4, 500.0),
        "webhook": (16, 500.0),
    }
    assert {(retry["minBackoff"], retry["maxBackoff"], retry["maxAttempts"]) for retry in retries.values()} == {("5s", "60s", 100)}


def test_every_deployment_secret_holds_a_key_of_its_own(cloud_address: str) -> None:
    keys = {base64.urlsafe_b64decode(value) for value in read_secrets(cloud_address).values()}
    assert len(keys) == len(DEPLOYMENT_SECRETS)
    assert {len(key) for key in keys} == {32}


def test_creating_again_changes_nothing(cloud_address: str) -> None:
    before = read_secrets(cloud_address)
    create_queues(cloud_address, project="fanfare-local", region="us-central1")
    create_deployment_secrets(cloud_address, project="fanfare-local")
    assert read_secrets(cloud_address) == before
