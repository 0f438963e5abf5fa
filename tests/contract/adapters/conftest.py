"""The adapters' own surroundings: the FCM simulator and the cloud stand-in as processes, and small servers that a test scripts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from fanfare.adapters.fcm_credentials import FcmCredentials
from fanfare.adapters.fcm_lane import FcmEndpoint
from fanfare.adapters.fcm_sender import FcmPushSender
from fanfare.adapters.secret_manager import GoogleSecretStore
from fanfare.domain.tenant import Tenant
from local.errors import StackError
from local.settings import StackSettings
from local.stack import Stack
from tests.contract.adapters.account import ServiceAccount, key_pem
from tests.contract.adapters.scripted import ScriptedServer, SilentServer
from tests.contract.adapters.simulator import Simulator
from tests.contract.adapters.tokens import Issuer
from tests.factories import a_tenant
from tests.fakes import FixedClock

OUTSIDE = frozenset({"fcm", "cloud"})


@pytest.fixture(scope="session")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """What the adapters touch: FCM, Cloud Tasks, Secret Manager and Google's token service."""
    stack = Stack(StackSettings(), folder=tmp_path_factory.mktemp("outside"), parts=OUTSIDE)
    try:
        stack.__enter__()
    except StackError as error:
        pytest.exit(f"The local stack did not start: {error}", returncode=1)
    yield stack
    stack.__exit__(None, None, None)


@pytest.fixture(scope="session")
def private_key() -> str:
    """A key that the token service accepts; made once, because that takes a while."""
    return key_pem()


@pytest.fixture
def secrets(outside: Stack, project_id: str) -> GoogleSecretStore:
    """Secret Manager with a project of its own for each test."""
    return GoogleSecretStore(project_id, outside.cloud_url)


@pytest.fixture
def tenant(secrets: GoogleSecretStore, private_key: str) -> Tenant:
    """A tenant whose credential is in order."""
    tenant = a_tenant()
    secrets.store(tenant.credential_secret, ServiceAccount(private_key).raw)
    return tenant


@pytest.fixture
def credentials(outside: Stack, secrets: GoogleSecretStore) -> FcmCredentials:
    """Access tokens from the stand-in."""
    return FcmCredentials(secrets, f"{outside.cloud_url}/token")


@pytest.fixture
def endpoint(outside: Stack) -> FcmEndpoint:
    """The simulator over TLS."""
    return FcmEndpoint(outside.environment["FCM_ENDPOINT"], outside.environment["FCM_CA_BUNDLE"])


@pytest.fixture
def sender(endpoint: FcmEndpoint, credentials: FcmCredentials) -> FcmPushSender:
    """A fresh sender: its first message opens a connection."""
    return FcmPushSender(endpoint, credentials)


@pytest.fixture
def fcm(outside: Stack) -> Iterator[Simulator]:
    """The simulator's memory, empty and without faults."""
    assert outside.fcm_url
    with Simulator(outside.fcm_url) as simulator:
        simulator.forget()
        yield simulator
        simulator.forget()


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    """A web server whose answers the test scripts."""
    with ScriptedServer() as running:
        yield running


@pytest.fixture
def silent() -> Iterator[SilentServer]:
    """A server that accepts connections and never says a word."""
    with SilentServer() as running:
        yield running


@pytest.fixture
def clock() -> FixedClock:
    """The adapter's clock, which a test moves on."""
    return FixedClock(datetime.now(UTC))


@pytest.fixture
def issuer(server: ScriptedServer) -> Issuer:
    """Who signs tokens at Google; the test's server shows its certificates."""
    issuer = Issuer()
    server.reply = issuer.certificates
    return issuer
