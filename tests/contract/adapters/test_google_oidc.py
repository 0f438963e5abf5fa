"""Who may call an internal function: one account, with a token that Google signed for this function and that has not ended."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from datetime import timedelta

import jwt
import pytest
import requests

from fanfare.adapters.google_oidc import MOST_REMEMBERED, AllowedCaller, GoogleCallAuthenticator, GoogleCertificates
from fanfare.domain.errors import Forbidden, Unauthenticated, Unavailable
from local.cloud.identity.keys import SigningKey
from local.stack import Stack
from tests.contract.adapters.scripted import Reply, ScriptedServer, unused_url
from tests.contract.adapters.tokens import ACCOUNT, AUDIENCE, Issuer, claims, seconds, unsigned
from tests.fakes import FixedClock

CALLERS = {"send": AllowedCaller(AUDIENCE, ACCOUNT), "schedule": AllowedCaller("https://schedule.example/", "scheduler@acme.iam.gserviceaccount.com")}


@pytest.fixture
def authenticator(server: ScriptedServer, clock: FixedClock) -> GoogleCallAuthenticator:
    return GoogleCallAuthenticator(GoogleCertificates(server.url, clock), CALLERS, clock)


def test_the_functions_own_account_is_let_in(issuer: Issuer, authenticator: GoogleCallAuthenticator) -> None:
    authenticator.authenticate("send", issuer.token())
    authenticator.authenticate("send", issuer.token(iss="accounts.google.com"))


def test_the_token_of_a_task_of_the_stand_in_is_let_in(outside: Stack, clock: FixedClock) -> None:
    wanted = {"audience": AUDIENCE, "email": ACCOUNT}
    token = requests.post(f"{outside.cloud_url}/_local/oidc-token", json=wanted, timeout=10).json()["token"]
    certificates = GoogleCertificates(outside.environment["OIDC_CERTS_URL"], clock)
    GoogleCallAuthenticator(certificates, CALLERS, clock).authenticate("send", token)


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": "https://other.example/"},
        {"aud": None},
        {"aud": AUDIENCE.rstrip("/")},
        {"iss": "https://accounts.example"},
        {"iss": None},
        {"exp": seconds() - 60},
        {"exp": None},
        {"iat": seconds() + 86_400},
        {"iat": None},
    ],
)
def test_a_token_that_is_not_for_this_call_is_no_token(
    issuer: Issuer, authenticator: GoogleCallAuthenticator, changed: dict[str, str | int | None]
) -> None:
    with pytest.raises(Unauthenticated):
        authenticator.authenticate("send", issuer.token(**changed))


@pytest.mark.parametrize(
    "changed", [{"email": "scheduler@acme.iam.gserviceaccount.com"}, {"email": None}, {"email_verified": False}, {"email_verified": None}]
)
def test_another_account_may_not_call(issuer: Issuer, authenticator: GoogleCallAuthenticator, changed: dict[str, str | bool | None]) -> None:
    with pytest.raises(Forbidden):
        authenticator.authenticate("send", issuer.token(**changed))


@pytest.mark.parametrize(("own", "other"), [("send", "schedule"), ("schedule", "send")])
def test_a_token_for_one_function_opens_no_other(issuer: Issuer, authenticator: GoogleCallAuthenticator, own: str, other: str) -> None:
    token = issuer.token(aud=CALLERS[own].audience, email=CALLERS[own].service_account)
    authenticator.authenticate(own, token)
    with pytest.raises(Unauthenticated):
        authenticator.authenticate(other, token)


def test_a_forged_signature_is_no_signature(issuer: Issuer, authenticator: GoogleCallAuthenticator) -> None:
    header, payload, signature = issuer.token().split(".")
    _, other_payload, _ = issuer.token(exp=seconds() + 7_200).split(".")
    forger = SigningKey()
    forger.key_id = issuer.keys[0].key_id
    for token in (f"{header}.{other_payload}.{signature}", f"{header}.{payload}.", forger.sign(claims())):
        with pytest.raises(Unauthenticated):
            authenticator.authenticate("send", token)


def test_a_public_certificate_is_no_shared_secret(issuer: Issuer, authenticator: GoogleCallAuthenticator) -> None:
    [(key_id, certificate)] = issuer.keys[0].certificates().items()
    secret = certificate.encode("ascii").replace(b"-----", b"")
    for algorithm in ("HS256", "ES256", "none"):
        signed = jwt.encode(claims(), secret, algorithm="HS256", headers={"kid": key_id})
        header = urlsafe_b64encode(f'{{"alg":"{algorithm}","kid":"{key_id}"}}'.encode()).rstrip(b"=").decode()
        for token in (signed, ".".join([header, *signed.split(".")[1:]])):
            with pytest.raises(Unauthenticated):
                authenticator.authenticate("send", token)


def _token(header: bytes, payload: bytes = b"{}") -> str:
    """A token of these parts; the signature is of no matter."""
    return ".".join(urlsafe_b64encode(part).rstrip(b"=").decode("ascii") for part in (header, payload, b"signature"))


@pytest.mark.parametrize(
    "bearer",
    [
        "",
        "x",
        "..",
        "a.b.c",
        "é.é.é",
        "\udcff.a.b",
        unsigned(),
        _token(b"[]"),
        _token(b"5"),
        _token(b"{}", b"[]"),
        _token(b'{"alg":[]}'),
        _token(b'{"alg":"RS256","kid":[]}'),
        _token(b"[" * 6_000),
        "." * 5_000,
    ],
)
def test_garbage_is_no_token(issuer: Issuer, authenticator: GoogleCallAuthenticator, bearer: str) -> None:
    with pytest.raises(Unauthenticated) as refused:
        authenticator.authenticate("send", bearer)
    assert refused.value.detail == "The token is not valid."


def test_certificates_are_fetched_once_for_many_tasks(issuer: Issuer, authenticator: GoogleCallAuthenticator, server: ScriptedServer) -> None:
    for number in range(20):
        authenticator.authenticate("send", issuer.token(exp=seconds() + 1_000 + number))
    assert len(server.asked) == 1


@pytest.mark.parametrize(("max_age", "kept_seconds"), [(600, 600), (None, 3_600)])
def test_certificates_are_fetched_again_when_they_are_old(
    issuer: Issuer, authenticator: GoogleCallAuthenticator, server: ScriptedServer, clock: FixedClock, max_age: int | None, kept_seconds: int
) -> None:
    issuer.max_age = max_age
    authenticator.authenticate("send", issuer.token(exp=seconds() + 1_000))
    clock.advance(timedelta(seconds=kept_seconds - 1))
    authenticator.authenticate("send", issuer.token(exp=seconds() + 1_001))
    assert len(server.asked) == 1
    clock.advance(timedelta(seconds=1))
    authenticator.authenticate("send", issuer.token(exp=seconds() + 1_002))
    assert len(server.asked) == 2


def test_a_new_key_is_found_before_the_old_certificates_end(
    issuer: Issuer, authenticator: GoogleCallAuthenticator, server: ScriptedServer, clock: FixedClock
) -> None:
    authenticator.authenticate("send", issuer.token())
    issuer.keys.append(SigningKey())
    clock.advance(timedelta(seconds=31))
    authenticator.authenticate("send", issuer.token())
    assert len(server.asked) == 2


def test_unknown_keys_do_not_make_us_ask_again_and_again(
    issuer: Issuer, authenticator: GoogleCallAuthenticator, server: ScriptedServer, clock: FixedClock
) -> None:
    authenticator.authenticate("send", issuer.token())
    for _ in range(10):
        with pytest.raises(Unauthenticated):
            authenticator.authenticate("send", SigningKey().sign(claims()))
        clock.advance(timedelta(seconds=3))
    assert len(server.asked) == 1
    clock.advance(timedelta(seconds=1))
    with pytest.raises(Unauthenticated):
        authenticator.authenticate("send", SigningKey().sign(claims()))
    assert len(server.asked) == 2


def test_an_accepted_token_is_verified_once_and_no_longer_than_it_lives(
    issuer: Issuer, authenticator: GoogleCallAuthenticator, clock: FixedClock
) -> None:
    issuer.max_age = 60
    token = issuer.token(exp=seconds() + 1_000)
    authenticator.authenticate("send", token)
    # With its key withdrawn the token would not be accepted anew.
    issuer.keys = [SigningKey()]
    clock.advance(timedelta(seconds=990))
    authenticator.authenticate("send", token)
    clock.advance(timedelta(seconds=15))
    with pytest.raises(Unauthenticated):
        authenticator.authenticate("send", token)


def test_a_refused_token_is_not_remembered(issuer: Issuer, authenticator: GoogleCallAuthenticator) -> None:
    token = issuer.token(email="someone@acme.iam.gserviceaccount.com")
    for _ in range(2):
        with pytest.raises(Forbidden):
            authenticator.authenticate("send", token)


def test_tokens_without_end_in_number_are_not_all_remembered(issuer: Issuer, authenticator: GoogleCallAuthenticator) -> None:
    authenticator._accepted.update({("send", f"token-{number}"): 1e12 for number in range(MOST_REMEMBERED)})
    authenticator.authenticate("send", issuer.token())
    assert len(authenticator._accepted) == 1


@pytest.mark.parametrize("reply", [Reply(503), Reply(404), Reply(200, b"<html>")])
def test_certificates_that_never_came_are_an_outage(server: ScriptedServer, authenticator: GoogleCallAuthenticator, reply: Reply) -> None:
    issuer = Issuer()
    server.reply = lambda _asked: reply
    with pytest.raises(Unavailable):
        authenticator.authenticate("send", issuer.token())
    server.reply = issuer.certificates
    authenticator.authenticate("send", issuer.token())


def test_a_certificate_service_that_is_gone_is_an_outage(clock: FixedClock) -> None:
    with pytest.raises(Unavailable):
        GoogleCallAuthenticator(GoogleCertificates(unused_url(), clock), CALLERS, clock).authenticate("send", Issuer().token())


def test_old_certificates_serve_on_for_ten_minutes_while_new_ones_can_not_be_had(
    issuer: Issuer, authenticator: GoogleCallAuthenticator, server: ScriptedServer, clock: FixedClock
) -> None:
    issuer.max_age = 60
    fresh = (issuer.token(exp=seconds() + 3_000 + number) for number in range(100))
    authenticator.authenticate("send", next(fresh))
    server.reply = lambda _asked: Reply(503)
    clock.advance(timedelta(minutes=10))
    for _ in range(5):
        authenticator.authenticate("send", next(fresh))
    assert len(server.asked) == 2
    clock.advance(timedelta(seconds=60))
    with pytest.raises(Unavailable):
        authenticator.authenticate("send", next(fresh))
    server.reply = issuer.certificates
    authenticator.authenticate("send", next(fresh))
