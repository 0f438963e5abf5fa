"""An uploaded service account: its shape, and that nothing of it but what is needed is kept."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from fanfare.domain.classification import Answer, Kind
from fanfare.domain.credential import is_project_id, parse_service_account
from fanfare.domain.dry_run import BODY, DryRun, check_accepted, judge
from fanfare.domain.errors import InvalidRequest, Unavailable
from tests.service_accounts import a_service_account, pem, rsa_numbers

SECRET = pem()


def test_account_is_kept_without_what_would_choose_where_its_assertions_are_sent() -> None:
    account = parse_service_account(
        a_service_account(token_uri="https://evil.example", universe_domain="evil.example", auth_uri="https://evil.example")
    )
    assert (account.project_id, account.client_email) == ("acme-app", "firebase-adminsdk@acme-app.iam.gserviceaccount.com")
    kept = json.loads(account.to_bytes())
    assert kept.keys() == {"type", "project_id", "private_key", "client_email", "private_key_id", "client_id"}
    assert kept["private_key"] == SECRET
    assert "evil" not in account.to_bytes().decode()


def test_account_does_not_show_its_key() -> None:
    account = parse_service_account(a_service_account())
    assert SECRET[30:60] not in repr(account)


@pytest.mark.parametrize("format_", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_real_rsa_key_has_the_right_shape_in_both_forms(format_: PrivateFormat) -> None:
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    text = key.private_bytes(Encoding.PEM, format_, NoEncryption()).decode()
    assert parse_service_account(a_service_account(private_key=text)).project_id == "acme-app"


def test_key_of_another_kind_is_refused() -> None:
    text = ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    with pytest.raises(InvalidRequest):
        parse_service_account(a_service_account(private_key=text))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("type", "authorized_user"),
        ("type", None),
        ("project_id", None),
        ("project_id", "../other"),
        ("project_id", "acme/app"),
        ("project_id", 5),
        ("client_email", None),
        ("client_email", "nobody"),
        ("client_email", "a@b\r\nX: y"),
        ("private_key", None),
        ("private_key", "-----BEGIN PRIVATE KEY-----"),
        ("private_key", pem(der=b"\x31" + bytes(40))),
        ("private_key", pem("RSA PRIVATE KEY", rsa_numbers()).replace("END RSA", "END")),
        ("private_key", "-----BEGIN PRIVATE KEY-----\nab=c\n-----END PRIVATE KEY-----"),
        ("private_key", pem(der=bytes([0x30]) + bytes(20_000))),
        ("private_key", pem("EC PRIVATE KEY")),
        ("private_key", [SECRET]),
        ("private_key_id", 7),
        ("client_id", "a b"),
    ],
)
def test_wrong_field_is_named_and_its_value_is_not(field: str, value: Any) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse_service_account(a_service_account(**{field: value}))
    assert [error.field for error in refused.value.errors] == [f"credential.{field}"]
    assert value is None or str(value) not in refused.value.detail


@pytest.mark.parametrize("given_", [None, "text", [], 5])
def test_what_is_no_object_is_refused(given_: object) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse_service_account(given_)
    assert [error.field for error in refused.value.errors] == ["credential"]


@given(st.dictionaries(st.sampled_from(sorted(a_service_account())), st.none() | st.text() | st.integers() | st.lists(st.text())))
def test_no_object_fails_in_another_way(given_: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest):
        parse_service_account(given_)


@pytest.mark.parametrize(
    ("text", "expected"), [("acme-app", True), ("example.com:acme-app", True), ("Acme", False), ("acme-", False), ("a/b/c", False)]
)
def test_project_ids_have_googles_shape(text: str, *, expected: bool) -> None:
    assert is_project_id(text) is expected


# The dry run


def _error(status: int, code: str) -> Answer:
    details = [{"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": code}]
    return Answer(status, json.dumps({"error": {"code": status, "status": code, "details": details}}).encode())


def test_dry_run_delivers_nothing() -> None:
    assert json.loads(BODY)["validate_only"] is True
    assert json.loads(BODY)["message"].keys() == {"topic", "data"}


def test_accepted_dry_run_lets_a_credential_in() -> None:
    result = judge(Answer(200, b'{"name": "projects/acme-app/messages/1"}'))
    assert result == DryRun(Kind.ACCEPTED, "projects/acme-app/messages/1", 200)
    assert result.is_accepted
    check_accepted(result)


@pytest.mark.parametrize("answer", [_error(403, "SENDER_ID_MISMATCH"), Answer(404, b"{}"), Answer(401), _error(400, "INVALID_ARGUMENT")])
def test_refused_dry_run_keeps_a_credential_out_with_fcms_word(answer: Answer) -> None:
    result = judge(answer)
    with pytest.raises(InvalidRequest) as refused:
        check_accepted(result)
    assert [error.field for error in refused.value.errors] == ["credential"]
    assert result.code in refused.value.detail


@pytest.mark.parametrize("answer", [Answer(0), Answer(503), Answer(429), Answer(200, b"<html>")])
def test_answer_that_says_nothing_about_the_credential_is_an_outage(answer: Answer) -> None:
    with pytest.raises(Unavailable):
        check_accepted(judge(answer))
