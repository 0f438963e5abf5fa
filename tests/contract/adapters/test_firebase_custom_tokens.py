"""Custom tokens: what firebase-admin would make of the same, signed by a stand-in for Google's IAM, or unsigned for the Auth emulator."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import firebase_admin
import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from firebase_admin import auth, credentials
from google.auth import jwt
from google.auth.compute_engine import Credentials
from google.auth.credentials import AnonymousCredentials
from google.auth.transport import Response
from google.auth.transport.requests import Request

from fanfare.adapters.firebase_custom_tokens import AUDIENCE, FirebaseCustomTokens
from fanfare.domain.errors import Unavailable
from fanfare.domain.stream_token import LIFE, Listener, claims_of
from tests.contract.adapters.account import ServiceAccount, key_pem, public_pem
from tests.contract.adapters.scripted import Asked, Reply, ScriptedServer, unused_url

AT = datetime(2026, 11, 24, 8, tzinfo=UTC)
LISTENER = Listener("acme", "alice")
CLAIMS = claims_of(LISTENER, AT + LIFE)
RUNS_AS = "functions@our-project.iam.gserviceaccount.com"


@pytest.fixture(scope="module")
def private_key() -> str:
    return key_pem()


class Google:
    """The metadata server of an instance, and IAM, behind one address; `forbidden` and `busy` are what IAM answers instead of a signature."""

    def __init__(self, server: ScriptedServer, private_key: str) -> None:
        self._server = server
        self._key = load_pem_private_key(private_key.encode("ascii"), password=None)
        self.refusal: Reply | None = None
        server.reply = self._reply

    def ask(self, url: str, method: str = "GET", **options: Any) -> Response:
        """A transport that finds every host here."""
        parts = urlsplit(url)
        here = f"{self._server.url}/{parts.hostname}{parts.path}" + (f"?{parts.query}" if parts.query else "")
        answer: Response = Request()(here, method, **{"timeout": 5, **options})
        return answer

    @property
    def asked_to_sign(self) -> list[Asked]:
        return [asked for asked in self._server.asked if asked.path.startswith("/iamcredentials.googleapis.com/")]

    def _reply(self, asked: Asked) -> Reply:
        if asked.path.endswith(f"/v1/projects/-/serviceAccounts/{RUNS_AS}:signBlob"):
            return self.refusal or self._signed(json.loads(asked.body))
        if "/token" in asked.path:
            return Reply.of(
                {"access_token": "ya29.of-the-instance", "expires_in": 3_599, "token_type": "Bearer"}, headers={"Metadata-Flavor": "Google"}
            )
        return Reply.of({"email": RUNS_AS, "scopes": []}, headers={"Metadata-Flavor": "Google"})

    def _signed(self, body: Mapping[str, str]) -> Reply:
        assert isinstance(self._key, RSAPrivateKey)
        signature = self._key.sign(b64decode(body["payload"]), PKCS1v15(), SHA256())
        return Reply.of({"keyId": "1", "signedBlob": b64encode(signature).decode("ascii")})


@pytest.fixture
def google(server: ScriptedServer, private_key: str) -> Google:
    return Google(server, private_key)


def in_the_cloud(google: Google) -> FirebaseCustomTokens:
    """As a deployed function has it: its account is the instance's."""
    return tokens_of(google, lambda: Credentials(universe_domain="googleapis.com"))


def tokens_of(google: Google, account: Callable[[], Any]) -> FirebaseCustomTokens:
    return FirebaseCustomTokens("our-project", "(default)", unsigned=False, request=google.ask, account=account)


def for_the_emulator() -> FirebaseCustomTokens:
    def none() -> Any:
        raise AssertionError("The emulator's tokens need no account.")

    return FirebaseCustomTokens("fanfare-local", "(default)", unsigned=True, account=none)


def mint(tokens: FirebaseCustomTokens) -> str:
    return tokens.mint(LISTENER.uid, CLAIMS, issued_at=AT, expires_at=AT + LIFE).token


def parts_of(token: str | bytes) -> tuple[Any, dict[str, Any]]:
    """Header and payload of a token; the times, and the account where it is another one, are the caller's to compare."""
    header, payload, _, _ = jwt._unverified_decode(token)
    return header, payload


@pytest.fixture
def admin(private_key: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Any:
    """firebase-admin, with a key for the account that IAM signs for here; told of an emulator if the test wants that."""
    if getattr(request, "param", "") == "emulator":
        monkeypatch.setenv("FIREBASE_AUTH_EMULATOR_HOST", "127.0.0.1:1")
    account = ServiceAccount(private_key, email=RUNS_AS)
    app = firebase_admin.initialize_app(credentials.Certificate(account.info), name=f"oracle-{request.node.name}")
    yield app
    firebase_admin.delete_app(app)


def test_token_is_the_one_that_firebase_admin_makes(google: Google, admin: Any) -> None:
    header, payload = parts_of(mint(in_the_cloud(google)))
    expected_header, expected = parts_of(auth.create_custom_token(LISTENER.uid, dict(CLAIMS), app=admin))
    # It names the key that it holds; which one IAM signs with, nobody knows beforehand, and Firebase tries all of the account.
    assert header == {name: value for name, value in expected_header.items() if name != "kid"}
    assert payload == expected | {"iat": int(AT.timestamp()), "exp": int((AT + LIFE).timestamp())}
    assert payload["exp"] - payload["iat"] == expected["exp"] - expected["iat"]


@pytest.mark.parametrize("admin", ["emulator"], indirect=True)
def test_emulators_token_is_the_one_that_firebase_admin_makes(admin: Any) -> None:
    ours, theirs = mint(for_the_emulator()), auth.create_custom_token(LISTENER.uid, dict(CLAIMS), app=admin).decode("ascii")
    assert parts_of(ours)[0] == parts_of(theirs)[0]
    times = {"iat": int(AT.timestamp()), "exp": int((AT + LIFE).timestamp())}
    assert parts_of(ours)[1] == parts_of(theirs)[1] | times
    assert (ours.split(".")[2], theirs.split(".")[2]) == ("", "")


def test_token_is_signed_by_google_for_the_functions_own_account(google: Google, private_key: str) -> None:
    now = datetime.now(UTC)
    minted = in_the_cloud(google).mint(LISTENER.uid, CLAIMS, issued_at=now, expires_at=now + LIFE)
    claims = jwt.decode(minted.token, certs=public_pem(private_key), audience=AUDIENCE)
    assert (claims["iss"], claims["sub"], claims["uid"], claims["claims"]) == (RUNS_AS, RUNS_AS, LISTENER.uid, dict(CLAIMS))
    assert (minted.project_id, minted.database) == ("our-project", "(default)")
    (asked,) = google.asked_to_sign
    assert asked.headers["authorization"] == "Bearer ya29.of-the-instance"


def test_account_is_opened_once_and_signs_each_token(google: Google, server: ScriptedServer) -> None:
    tokens = in_the_cloud(google)
    first = mint(tokens)
    before = len(server.asked)
    second = tokens.mint("another", CLAIMS, issued_at=AT, expires_at=AT + LIFE).token
    assert first.split(".")[2] != second.split(".")[2]
    assert (len(google.asked_to_sign), len(server.asked) - before) == (2, 1)


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 503])
def test_refused_signature_is_told_at_once_and_the_next_token_is_signed_again(google: Google, status: int) -> None:
    tokens = in_the_cloud(google)
    google.refusal = Reply.of({"error": {"code": status, "message": "no"}}, status=status)
    began = datetime.now(UTC)
    with pytest.raises(Unavailable):
        mint(tokens)
    assert datetime.now(UTC) - began < timedelta(seconds=1)
    google.refusal = None
    assert mint(tokens)


def test_account_that_may_not_sign_says_where_to_read(google: Google) -> None:
    google.refusal = Reply.of({"error": {"code": 403, "status": "PERMISSION_DENIED"}}, status=403)
    with pytest.raises(Unavailable, match=r"docs/firestore-listeners\.md"):
        mint(in_the_cloud(google))


@pytest.mark.parametrize("answer", [b"<html>", b"{}", b"[]", b'{"signedBlob": "?"}', b'{"signedBlob": 7}'])
def test_answer_that_is_no_signature_is_unavailable(google: Google, answer: bytes) -> None:
    google.refusal = Reply(200, answer)
    with pytest.raises(Unavailable):
        mint(in_the_cloud(google))


def test_without_a_service_account_nobody_signs(google: Google) -> None:
    class Person(AnonymousCredentials):
        def refresh(self, request: object) -> None:
            """A person's login is not refreshed here."""

    with pytest.raises(Unavailable, match="no service account"):
        mint(tokens_of(google, Person))


def test_google_that_is_gone_is_unavailable() -> None:
    def gone(url: str, method: str = "GET", **options: Any) -> Response:
        answer: Response = Request()(unused_url(), method, **{"timeout": 1, **options})
        return answer

    tokens = FirebaseCustomTokens("p", "(default)", unsigned=False, request=gone, account=lambda: Credentials(universe_domain="googleapis.com"))
    with pytest.raises(Unavailable):
        mint(tokens)
