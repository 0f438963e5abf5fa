"""Who a Firebase ID token is about: nobody, unless Google signed it with a key that it shows for this, or the emulator made it locally."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from fanfare.adapters.firebase_users import FirebaseUserAuthenticator
from fanfare.adapters.google_oidc import GoogleCertificates
from fanfare.domain.errors import Unauthenticated, Unavailable
from fanfare.domain.id_token import LONGEST_TOKEN, REFUSED, TokenSubject
from local.cloud.identity.keys import SigningKey
from tests.contract.adapters.scripted import Reply, ScriptedServer, unused_url
from tests.contract.adapters.tokens import Issuer, seconds
from tests.factories import client_token
from tests.fakes import FixedClock

PROJECT = "acme-app"


def claims(**changed: Any) -> dict[str, Any]:
    """The claims of a fresh token; None leaves one out."""
    now = seconds()
    usual = {"iss": f"https://securetoken.google.com/{PROJECT}", "aud": PROJECT, "sub": "uid-1", "iat": now, "auth_time": now, "exp": now + 3_600}
    return {name: value for name, value in {**usual, "user_id": "uid-1", **changed}.items() if value is not None}


@pytest.fixture
def cloud(server: ScriptedServer, clock: FixedClock) -> FirebaseUserAuthenticator:
    """As it is deployed."""
    return FirebaseUserAuthenticator(GoogleCertificates(server.url, clock), clock, unsigned=False)


@pytest.fixture
def local(server: ScriptedServer, clock: FixedClock) -> FirebaseUserAuthenticator:
    """Beside the Auth emulator."""
    return FirebaseUserAuthenticator(GoogleCertificates(server.url, clock), clock, unsigned=True)


def signed(issuer: Issuer, **changed: Any) -> str:
    return issuer.keys[-1].sign(claims(**changed))


def unsigned(**changed: Any) -> str:
    return jwt.encode(claims(**changed), key=None, algorithm="none")


def test_token_of_google_names_its_user(issuer: Issuer, cloud: FirebaseUserAuthenticator, local: FirebaseUserAuthenticator) -> None:
    assert cloud.identify(signed(issuer)) == local.identify(signed(issuer)) == TokenSubject(PROJECT, "uid-1")
    other = signed(issuer, aud="globex-app", iss="https://securetoken.google.com/globex-app", sub="uid-2")
    assert cloud.identify(other) == TokenSubject("globex-app", "uid-2")


def test_token_of_the_emulator_is_taken_beside_the_emulator_alone(
    issuer: Issuer, cloud: FirebaseUserAuthenticator, local: FirebaseUserAuthenticator
) -> None:
    assert local.identify(unsigned()) == TokenSubject(PROJECT, "uid-1")
    with pytest.raises(Unauthenticated):
        cloud.identify(unsigned())


WRONG_CLAIMS: dict[str, dict[str, Any]] = {
    "another project's": {"aud": "globex-app"},
    "another issuer": {"iss": "https://accounts.google.com"},
    "a session cookie": {"iss": f"https://session.firebase.google.com/{PROJECT}"},
    "expired": {"exp": seconds() - 60},
    # Beyond the end of the run: these are made when the tests are collected.
    "not yet valid": {"iat": seconds() + 86_400},
    "a sign-in to come": {"auth_time": seconds() + 86_400},
    "no end": {"exp": None},
    "no beginning": {"iat": None},
    "no sign-in": {"auth_time": None},
    "no audience": {"aud": None},
    "no user": {"sub": None},
    "an empty user": {"sub": ""},
    "a long user": {"sub": "x" * 129},
}


@pytest.mark.parametrize("name", WRONG_CLAIMS)
def test_wrong_claims_are_nobodys_signed_or_not(
    issuer: Issuer, cloud: FirebaseUserAuthenticator, local: FirebaseUserAuthenticator, name: str
) -> None:
    for authenticator, token in ((cloud, signed(issuer, **WRONG_CLAIMS[name])), (local, unsigned(**WRONG_CLAIMS[name]))):
        with pytest.raises(Unauthenticated) as refused:
            authenticator.identify(token)
        assert refused.value.detail == REFUSED


def part(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def token_of(header: bytes, payload: bytes = b"{}", signature: bytes = b"x") -> str:
    return ".".join(part(piece) for piece in (header, payload, signature))


GARBAGE = {
    "nothing": "",
    "a word": "x",
    "dots": "..",
    "many dots": "." * 5_000,
    "beyond ASCII": "é.é.é",
    "a lone surrogate": "\udcff.a.b",
    "a client's token": client_token(),
    "no object": token_of(b"[]"),
    "bottomless": token_of(b"[" * 3_000),
    "a strange header": token_of(b'{"alg":[],"kid":{}}'),
    "the emulator's form without claims": token_of(b'{"alg":"none"}', b"[]", b""),
    "bytes that are no text": token_of(b'{"alg":"none"}', b"\xff", b""),
    "claims that are not encoded": f"{part(b'{}')}.!!!.",
}


@pytest.mark.parametrize("name", GARBAGE)
def test_garbage_is_nobodys(cloud: FirebaseUserAuthenticator, local: FirebaseUserAuthenticator, name: str) -> None:
    for authenticator in (cloud, local):
        with pytest.raises(Unauthenticated):
            authenticator.identify(GARBAGE[name])


def test_garbage_asks_google_for_nothing(server: ScriptedServer, issuer: Issuer, cloud: FirebaseUserAuthenticator) -> None:
    for token in (*GARBAGE.values(), unsigned()):
        with pytest.raises(Unauthenticated):
            cloud.identify(token)
    assert server.asked == []


def test_token_over_eight_kibibytes_is_not_even_parsed(issuer: Issuer, cloud: FirebaseUserAuthenticator) -> None:
    long = signed(issuer, custom="x" * LONGEST_TOKEN)
    fitting = signed(issuer, custom="x" * (LONGEST_TOKEN // 2))
    assert len(fitting) <= LONGEST_TOKEN < len(long)
    assert cloud.identify(fitting).uid == "uid-1"
    with pytest.raises(Unauthenticated):
        cloud.identify(long)


def test_forged_signature_is_no_signature(issuer: Issuer, cloud: FirebaseUserAuthenticator, local: FirebaseUserAuthenticator) -> None:
    header, payload, signature = signed(issuer).split(".")
    _, other_payload, _ = signed(issuer, sub="uid-2").split(".")
    forger = SigningKey()
    forger.key_id = issuer.keys[0].key_id
    for token in (f"{header}.{other_payload}.{signature}", f"{header}.{payload}.", forger.sign(claims()), SigningKey().sign(claims())):
        for authenticator in (cloud, local):
            with pytest.raises(Unauthenticated):
                authenticator.identify(token)


def test_other_algorithms_are_not_taken_whoever_signed(issuer: Issuer, cloud: FirebaseUserAuthenticator) -> None:
    [(key_id, certificate)] = issuer.keys[0].certificates().items()
    public = certificate.encode("ascii").replace(b"-----", b"")
    curve = ec.generate_private_key(ec.SECP256R1())
    real = signed(issuer)
    tokens = [
        jwt.encode(claims(), public, algorithm="HS256", headers={"kid": key_id}),
        jwt.encode(claims(), curve, algorithm="ES256", headers={"kid": key_id}),
        *(".".join([part(f'{{"alg":"{name}","kid":"{key_id}"}}'.encode()), *real.split(".")[1:]]) for name in ("none", "None", "RS384", "PS256", "")),
    ]
    for token in tokens:
        with pytest.raises(Unauthenticated):
            cloud.identify(token)


@pytest.mark.parametrize("key_id", [None, "", 5, "unknown"])
def test_token_that_names_no_known_key_is_nobodys(issuer: Issuer, cloud: FirebaseUserAuthenticator, key_id: object) -> None:
    key = issuer.keys[0]
    headers = {} if key_id is None else {"kid": key_id}
    header, payload, signature = key.sign(claims()).split(".")
    forged = part(json.dumps({"alg": "RS256", "typ": "JWT", **headers}).encode())
    assert header != forged
    with pytest.raises(Unauthenticated):
        cloud.identify(f"{forged}.{payload}.{signature}")


def test_token_without_a_key_id_is_nobodys_although_its_signature_is_good(issuer: Issuer, cloud: FirebaseUserAuthenticator) -> None:
    with pytest.raises(Unauthenticated):
        cloud.identify(jwt.encode(claims(), issuer.keys[0]._private, algorithm="RS256"))


def test_certificates_that_can_not_be_had_are_an_outage_and_no_refusal(server: ScriptedServer, cloud: FirebaseUserAuthenticator) -> None:
    issuer = Issuer()
    server.reply = lambda _asked: Reply(503)
    with pytest.raises(Unavailable):
        cloud.identify(signed(issuer))
    server.reply = issuer.certificates
    assert cloud.identify(signed(issuer)).uid == "uid-1"


def test_certificate_service_that_is_gone_is_an_outage(clock: FixedClock) -> None:
    with pytest.raises(Unavailable):
        FirebaseUserAuthenticator(GoogleCertificates(unused_url(), clock), clock, unsigned=False).identify(signed(Issuer()))


def test_certificates_are_fetched_once_for_many_users(server: ScriptedServer, issuer: Issuer, cloud: FirebaseUserAuthenticator) -> None:
    for number in range(20):
        assert cloud.identify(signed(issuer, sub=f"uid-{number}")).uid == f"uid-{number}"
    assert len(server.asked) == 1


def test_token_ends_by_our_clock_too(issuer: Issuer, cloud: FirebaseUserAuthenticator, clock: FixedClock) -> None:
    token = signed(issuer)
    clock.advance(timedelta(seconds=3_590))
    assert cloud.identify(token).uid == "uid-1"
    clock.advance(timedelta(seconds=30))
    with pytest.raises(Unauthenticated):
        cloud.identify(token)
