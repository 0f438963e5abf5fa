"""OAuth tokens for service accounts, and OIDC tokens on request, through google-auth."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import google.auth.transport.requests
import jwt
import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth import exceptions
from google.oauth2 import service_account

from tests.contract.local_cloud.conftest import LocalCloud

SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def http() -> Iterator[google.auth.transport.requests.Request]:
    with requests.Session() as session:
        yield google.auth.transport.requests.Request(session=session)


def make_credentials(cloud: LocalCloud, key: rsa.RSAPrivateKey, email: str) -> service_account.Credentials:
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    info = {"client_email": email, "private_key": pem.decode(), "private_key_id": "k1", "token_uri": cloud.url + "/token"}
    return service_account.Credentials.from_service_account_info(info, scopes=[SCOPE])


def register(cloud: LocalCloud, key: rsa.RSAPrivateKey, email: str) -> None:
    pem = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
    assert cloud.call("POST", "/_local/service-accounts", {"client_email": email, "public_key_pem": pem}).status_code == 200


def exchange(cloud: LocalCloud, assertion: str, grant: str = GRANT) -> requests.Response:
    return requests.post(cloud.url + "/token", data={"grant_type": grant, "assertion": assertion}, timeout=5)


def sign(key: rsa.RSAPrivateKey, **changes: Any) -> str:
    claims = {"iss": "a@demo", "aud": "https://oauth2.googleapis.com/token", "scope": SCOPE, "exp": int(time.time()) + 600, **changes}
    return jwt.encode({name: value for name, value in claims.items() if value is not None}, key, algorithm="RS256")


def test_service_account_refreshes(cloud: LocalCloud, key: rsa.RSAPrivateKey, http: google.auth.transport.requests.Request) -> None:
    credentials = make_credentials(cloud, key, "unregistered@demo")
    credentials.refresh(http)
    assert credentials.valid
    first = credentials.token
    credentials.refresh(http)
    assert credentials.token != first


def test_registered_account_refreshes_with_its_own_key_only(
    cloud: LocalCloud, key: rsa.RSAPrivateKey, http: google.auth.transport.requests.Request
) -> None:
    register(cloud, key, "registered@demo")
    make_credentials(cloud, key, "registered@demo").refresh(http)
    stranger = make_credentials(cloud, rsa.generate_private_key(public_exponent=65537, key_size=2048), "registered@demo")
    with pytest.raises(exceptions.RefreshError, match="invalid_grant"):
        stranger.refresh(http)


@pytest.mark.parametrize("changes", [{"iss": None}, {"aud": None}, {"scope": None}, {"exp": None}, {"exp": 1_000_000_000}])
def test_malformed_or_expired_assertion_is_refused(changes: dict[str, Any], cloud: LocalCloud, key: rsa.RSAPrivateKey) -> None:
    response = exchange(cloud, sign(key, **changes))
    assert (response.status_code, response.json()["error"]) == (400, "invalid_grant")


def test_garbage_instead_of_an_assertion_is_refused(cloud: LocalCloud, key: rsa.RSAPrivateKey) -> None:
    assert exchange(cloud, "no.jwt").json()["error"] == "invalid_grant"
    assert exchange(cloud, sign(key), grant="password").json()["error"] == "unsupported_grant_type"


def test_issued_oidc_token_is_reused_and_verifies_against_the_jwk_set(cloud: LocalCloud) -> None:
    asked = {"audience": "https://fanfare.test/send", "email": "tasks@demo"}
    token = cloud.call("POST", "/_local/oidc-token", asked).json()["token"]
    certificates = cloud.call("GET", "/oauth2/v3/certs")
    signing_key = jwt.PyJWKSet.from_dict(certificates.json())[jwt.get_unverified_header(token)["kid"]]
    claims = jwt.decode(token, signing_key, algorithms=["RS256"], audience=asked["audience"])
    assert claims["email"] == "tasks@demo"
    assert certificates.headers["Cache-Control"] == "public, max-age=3600"
    assert cloud.call("POST", "/_local/oidc-token", asked).json()["token"] == token
