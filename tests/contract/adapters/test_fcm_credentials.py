"""Access tokens: one per tenant and instance, renewed ahead of their end, and every refusal told apart from an outage."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import jwt
import pytest
import requests

from fanfare.adapters.fcm_credentials import SCOPE, FcmCredentials
from fanfare.adapters.secret_manager import GoogleSecretStore
from fanfare.domain.errors import CredentialRefused, Unavailable
from fanfare.domain.tenant import Tenant
from local.stack import Stack
from tests.contract.adapters.account import ServiceAccount, key_pem, public_pem
from tests.contract.adapters.scripted import Asked, Reply, ScriptedServer, SilentServer, unused_url
from tests.factories import a_tenant


def _issuing(lives_seconds: int) -> Callable[[Asked], Reply]:
    """A token service whose tokens are numbered."""
    numbers = itertools.count(1)
    return lambda _asked: Reply.of({"access_token": f"token-{next(numbers)}", "expires_in": lives_seconds, "token_type": "Bearer"})


@pytest.fixture
def scripted(secrets: GoogleSecretStore, server: ScriptedServer) -> FcmCredentials:
    """Access tokens from the test's own token service."""
    server.reply = _issuing(3_600)
    return FcmCredentials(secrets, server.url)


def _claims(asked: Asked) -> Any:
    return jwt.decode(asked.form["assertion"], options={"verify_signature": False})


def test_a_token_serves_until_it_ends(credentials: FcmCredentials, tenant: Tenant) -> None:
    token = credentials.access_token(tenant)
    assert token.startswith("ya29.")
    assert credentials.access_token(tenant) == token


def test_a_token_is_asked_for_with_our_scope_by_the_account_itself(scripted: FcmCredentials, server: ScriptedServer, tenant: Tenant) -> None:
    scripted.access_token(tenant)
    [asked] = server.asked
    claims = _claims(asked)
    assert (claims["iss"], claims["scope"]) == (ServiceAccount("").email, SCOPE)
    assert claims["aud"] == "https://oauth2.googleapis.com/token"


def test_a_token_is_renewed_ahead_of_its_end(scripted: FcmCredentials, server: ScriptedServer, tenant: Tenant) -> None:
    server.reply = _issuing(180)
    assert [scripted.access_token(tenant) for _ in range(3)] == ["token-1", "token-2", "token-3"]


def test_each_tenant_has_a_token_of_its_own(
    scripted: FcmCredentials, secrets: GoogleSecretStore, server: ScriptedServer, tenant: Tenant, private_key: str
) -> None:
    other = a_tenant(id="globex")
    secrets.store(other.credential_secret, ServiceAccount(private_key, email="other@globex-app.iam.gserviceaccount.com").raw)
    tokens = [scripted.access_token(tenant), scripted.access_token(other), scripted.access_token(tenant), scripted.access_token(other)]
    assert tokens == ["token-1", "token-2"] * 2
    assert [_claims(asked)["iss"] for asked in server.asked] == [ServiceAccount("").email, "other@globex-app.iam.gserviceaccount.com"]


def test_threads_that_need_a_token_at_once_share_it(scripted: FcmCredentials, tenant: Tenant) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(scripted.access_token, [tenant] * 16)) == {"token-1"}


def test_a_replaced_credential_is_used_after_a_renewal(
    scripted: FcmCredentials, secrets: GoogleSecretStore, server: ScriptedServer, tenant: Tenant, private_key: str
) -> None:
    scripted.access_token(tenant)
    secrets.store(tenant.credential_secret, ServiceAccount(private_key, email="new@acme-app.iam.gserviceaccount.com").raw)
    assert scripted.access_token(tenant) == "token-1"
    scripted.renew(tenant)
    assert scripted.access_token(tenant) == "token-2"
    assert _claims(server.asked[-1])["iss"] == "new@acme-app.iam.gserviceaccount.com"


def test_another_version_of_the_configuration_has_the_credential_read_anew(
    scripted: FcmCredentials, secrets: GoogleSecretStore, server: ScriptedServer, tenant: Tenant, private_key: str
) -> None:
    scripted.access_token(tenant)
    secrets.store(tenant.credential_secret, ServiceAccount(private_key, email="new@acme-app.iam.gserviceaccount.com").raw)
    reloaded = replace(tenant, config_version=1)
    assert [scripted.access_token(reloaded) for _ in range(2)] == ["token-2", "token-2"]
    assert _claims(server.asked[-1])["iss"] == "new@acme-app.iam.gserviceaccount.com"


def test_a_pinned_version_is_used_whatever_is_newer(
    scripted: FcmCredentials, secrets: GoogleSecretStore, server: ScriptedServer, tenant: Tenant, private_key: str
) -> None:
    newer = secrets.store(tenant.credential_secret, ServiceAccount(private_key, email="new@acme-app.iam.gserviceaccount.com").raw)
    scripted.access_token(replace(tenant, credential_version="1"))
    scripted.access_token(replace(tenant, credential_version=newer))
    assert [_claims(asked)["iss"] for asked in server.asked] == [ServiceAccount("").email, "new@acme-app.iam.gserviceaccount.com"]


def test_an_instance_that_knows_the_old_version_goes_on_with_its_token_after_it_was_disabled(
    scripted: FcmCredentials, secrets: GoogleSecretStore, tenant: Tenant, private_key: str
) -> None:
    old = replace(tenant, credential_version="1")
    assert scripted.access_token(old) == "token-1"
    newer = secrets.store(tenant.credential_secret, ServiceAccount(private_key).raw)
    secrets.disable_older(tenant.credential_secret, newer)
    assert scripted.access_token(old) == "token-1"
    assert scripted.access_token(replace(tenant, credential_version=newer)) == "token-2"
    with pytest.raises(Unavailable):
        scripted.access_token(old)


def test_a_tenant_without_a_credential_is_refused_and_nobody_is_asked(scripted: FcmCredentials, server: ScriptedServer, tenant: Tenant) -> None:
    with pytest.raises(CredentialRefused) as refused:
        scripted.access_token(replace(tenant, credential_version=None))
    assert refused.value.code == "CREDENTIAL_MISSING"
    assert server.asked == []


def test_a_renewal_of_a_tenant_never_asked_for_changes_nothing(scripted: FcmCredentials, tenant: Tenant) -> None:
    scripted.access_token(tenant)
    scripted.renew(a_tenant(id="globex"))
    assert scripted.access_token(tenant) == "token-1"


def test_the_credential_does_not_choose_where_its_assertion_is_sent(
    credentials: FcmCredentials, secrets: GoogleSecretStore, server: ScriptedServer, tenant: Tenant, private_key: str
) -> None:
    server.reply = _issuing(3_600)
    secrets.store(tenant.credential_secret, ServiceAccount(private_key, token_uri=server.url).raw)
    assert credentials.access_token(tenant).startswith("ya29.")
    assert server.asked == []


def test_a_key_that_google_does_not_know_is_refused_until_it_is_replaced(
    outside: Stack, credentials: FcmCredentials, secrets: GoogleSecretStore, private_key: str
) -> None:
    account = ServiceAccount(private_key, email="revoked@acme-app.iam.gserviceaccount.com")
    revoked = a_tenant(id="revoked")
    secrets.store(revoked.credential_secret, account.raw)
    valid_key = key_pem()
    known = {"client_email": account.email, "public_key_pem": public_pem(valid_key)}
    requests.post(f"{outside.cloud_url}/_local/service-accounts", json=known, timeout=10).raise_for_status()
    with pytest.raises(CredentialRefused) as refused:
        credentials.access_token(revoked)
    assert refused.value.code == "CREDENTIAL_REFUSED"
    secrets.store(revoked.credential_secret, ServiceAccount(valid_key, email=account.email).raw)
    credentials.renew(revoked)
    assert credentials.access_token(revoked).startswith("ya29.")


@pytest.mark.parametrize("raw", [b"{", b"[]", b"null", b"5", b'"text"', b"{}", b"\xff\xfe", b"[" * 50_000, b'{"type": "service_account"}'])
def test_bytes_that_are_no_credential_are_refused(credentials: FcmCredentials, secrets: GoogleSecretStore, tenant: Tenant, raw: bytes) -> None:
    secrets.store(tenant.credential_secret, raw)
    with pytest.raises(CredentialRefused) as refused:
        credentials.access_token(tenant)
    assert refused.value.code == "CREDENTIAL_UNUSABLE"


@pytest.mark.parametrize("key", ["none", 5, None])
def test_a_credential_without_a_key_is_refused(
    credentials: FcmCredentials, secrets: GoogleSecretStore, tenant: Tenant, private_key: str, key: str | int | None
) -> None:
    info = ServiceAccount(private_key).info | {"private_key": key}
    secrets.store(tenant.credential_secret, json.dumps(info).encode("ascii"))
    with pytest.raises(CredentialRefused):
        credentials.access_token(tenant)


def test_a_refused_credential_is_read_again_at_the_next_call(
    credentials: FcmCredentials, secrets: GoogleSecretStore, tenant: Tenant, private_key: str
) -> None:
    secrets.store(tenant.credential_secret, b"{}")
    with pytest.raises(CredentialRefused):
        credentials.access_token(tenant)
    secrets.store(tenant.credential_secret, ServiceAccount(private_key).raw)
    assert credentials.access_token(tenant).startswith("ya29.")


@pytest.mark.parametrize(
    "reply",
    [
        Reply.of({"error": "invalid_grant", "error_description": "Invalid grant: account not found"}, status=400),
        Reply.of({"error": "invalid_client", "error_description": "The OAuth client was not found."}, status=400),
        Reply.of({"error": "unauthorized_client"}, status=403),
        Reply.of({"error": "disabled_client"}, status=403),
        Reply.of({"error": "deleted_client"}, status=401),
        Reply(401),
    ],
    ids=lambda reply: f"{reply.status} {reply.body.decode()[:30]}",
)
def test_a_refused_account_is_no_outage(scripted: FcmCredentials, server: ScriptedServer, tenant: Tenant, reply: Reply) -> None:
    server.reply = lambda _asked: reply
    with pytest.raises(CredentialRefused) as refused:
        scripted.access_token(tenant)
    assert refused.value.code == "CREDENTIAL_REFUSED"


@pytest.mark.parametrize(
    "reply",
    [
        Reply.of({"error": "invalid_request"}, status=400),
        Reply.of({"error": "invalid_scope"}, status=400),
        Reply.of({"error": {"status": "INVALID_ARGUMENT"}}, status=400),
        Reply.of(["invalid_grant"], status=400),
        Reply(400, b"<html>invalid_grant"),
        Reply(400, b"[" * 50_000),
        Reply(400, b"\xff"),
        Reply(403, b"Forbidden by a proxy"),
        Reply(404),
        Reply(408),
        Reply.of({"error": "rate_limit_exceeded"}, status=429),
        Reply.of({"error": "invalid_grant"}, status=429),
        Reply.of({"error": "internal_failure"}, status=500),
        Reply.of({"error": "invalid_grant"}, status=503),
        Reply(502, b"<html>"),
        Reply(504),
    ],
    ids=lambda reply: f"{reply.status} {reply.body[:30]!r}",
)
def test_any_other_answer_is_an_outage_that_is_not_waited_for(scripted: FcmCredentials, server: ScriptedServer, tenant: Tenant, reply: Reply) -> None:
    server.reply = lambda _asked: reply
    started = time.monotonic()
    with pytest.raises(Unavailable):
        scripted.access_token(tenant)
    assert time.monotonic() - started < 0.9, "google-auth would sleep for a second before it asks again"
    assert len(server.asked) == 1
    server.reply = _issuing(3_600)
    assert scripted.access_token(tenant) == "token-1"


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}", b"null", b"\xff", b'{"access_token": "a", "expires_in": "soon"}'])
def test_an_answer_without_a_token_is_an_outage_that_ends(scripted: FcmCredentials, server: ScriptedServer, tenant: Tenant, body: bytes) -> None:
    server.reply = lambda _asked: Reply(200, body)
    with pytest.raises(Unavailable):
        scripted.access_token(tenant)
    server.reply = _issuing(3_600)
    assert scripted.access_token(tenant) == "token-1"


def test_a_token_service_that_is_gone_is_an_outage(secrets: GoogleSecretStore, tenant: Tenant) -> None:
    with pytest.raises(Unavailable):
        FcmCredentials(secrets, unused_url()).access_token(tenant)


def test_a_token_service_that_hangs_is_an_outage_in_time(secrets: GoogleSecretStore, silent: SilentServer, tenant: Tenant) -> None:
    started = time.monotonic()
    with pytest.raises(Unavailable):
        FcmCredentials(secrets, f"http://{silent.address}", timeout_seconds=0.5).access_token(tenant)
    assert time.monotonic() - started < 5


def test_threads_do_not_wait_one_after_the_other_for_a_token_service_that_hangs(
    secrets: GoogleSecretStore, silent: SilentServer, tenant: Tenant
) -> None:
    credentials = FcmCredentials(secrets, f"http://{silent.address}", timeout_seconds=0.5)

    def ask(_number: int) -> float:
        started = time.monotonic()
        with pytest.raises(Unavailable):
            credentials.access_token(tenant)
        return time.monotonic() - started

    with ThreadPoolExecutor(8) as pool:
        assert max(pool.map(ask, range(8))) < 2


def test_a_secret_that_can_not_be_read_is_an_outage(outside: Stack, tenant: Tenant) -> None:
    down = GoogleSecretStore("acme", unused_url())
    with pytest.raises(Unavailable):
        FcmCredentials(down, f"{outside.cloud_url}/token").access_token(tenant)
