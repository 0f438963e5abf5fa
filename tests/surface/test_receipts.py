"""Who may report what of which message: an app by the message's token, a client, and a user."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from fanfare.domain.client import Scope
from fanfare.domain.id_token import TokenSubject
from fanfare.domain.limits import DEFAULT_LIMITS, LimitGroup
from fanfare.domain.receipt import sign_receipt
from fanfare.domain.receipts import MOST_RECEIPTS, ReceiptKey
from fanfare.domain.refusal import RefusalReason
from fanfare.domain.registration import RegistrationPlan
from fanfare.ports import Deps
from fanfare.web.api import build_api
from tests.factories import NOW, TENANT_ID, a_client, a_device, a_notification, client_token
from tests.fakes import FixedClock, MemoryRefusalCounter, ScriptedUserAuthenticator
from tests.fakes.receipts import MemoryReceiptStore
from tests.surface.surface import BEARER, CREDENTIALS, PREFIX, USER_TOKEN, some_deps

PATH = f"{PREFIX}/receipts"
PROJECT = f"{TENANT_ID}-app"


@pytest.fixture
def deps() -> Deps:
    users = ScriptedUserAuthenticator({USER_TOKEN: TokenSubject(PROJECT, "uid-1")})
    deps = some_deps(clock=FixedClock(NOW), users=users, refusals=MemoryRefusalCounter())
    deps.clients.create(a_client(id="reader", scopes=frozenset({Scope.READ})))
    for tenant in (TENANT_ID, "globex"):
        assert deps.devices.save(tenant, [RegistrationPlan(a_device())])
        deps.notifications.accept(a_notification(tenant=tenant), ())
    return deps


@pytest.fixture
def phone(deps: Deps) -> FlaskClient:
    return build_api(deps).test_client()


def token(deps: Deps, device: str = "device-1", *, notification: str = "notification-1", tenant: str = TENANT_ID) -> str:
    return sign_receipt(deps.receipt_keys.receipt_key(tenant), notification, device)


def one(value: object, **fields: object) -> dict[str, Any]:
    return {"receipts": [{"token": value, "event": "delivered", **fields}]}


def say(phone: FlaskClient, body: Any, headers: dict[str, str] | None = None, status: int = 200) -> Any:
    answer = phone.post(PATH, json=body, headers=headers or {})
    assert answer.status_code == status, answer.text
    return answer.json


def stored(deps: Deps) -> set[tuple[str, ReceiptKey]]:
    assert isinstance(deps.receipts, MemoryReceiptStore)
    return set(deps.receipts.stored)


def test_an_app_without_any_credential_reports_by_the_tokens_of_its_messages(deps: Deps, phone: FlaskClient) -> None:
    body = {"receipts": [{"token": token(deps), "event": event, "at": "2026-11-24T08:00:00+00:00"} for event in ("read", "delivered")]}
    assert say(phone, {**body, "project": PROJECT}) == {"accepted": 2, "items": []}
    assert stored(deps) == {(TENANT_ID, ReceiptKey("notification-1", "device-1"))}


def test_one_good_token_lets_the_others_of_its_batch_be_judged(deps: Deps, phone: FlaskClient) -> None:
    mixed = {"receipts": [*one("forged")["receipts"], *one(token(deps))["receipts"], *one(token(deps, ""))["receipts"]], "project": PROJECT}
    told = say(phone, mixed, status=400)
    assert [error["field"] for error in told["errors"]] == ["receipts.0.token", "receipts.2.token"]
    assert stored(deps) == set()
    skipped = say(phone, {**mixed, "on_invalid": "skip"})
    assert skipped == {"accepted": 1, "items": [{"index": 0, "error": "invalid"}, {"index": 2, "error": "needs_caller"}]}


def test_without_one_good_token_nobody_calls(deps: Deps, phone: FlaskClient) -> None:
    bodies: list[Any] = [
        {**one(token(deps)), "project": "globex-app"},
        {**one(token(deps)), "project": "nobodys-app"},
        {**one(token(deps)[:-1]), "project": PROJECT},
        {**one(token(deps, "")), "project": PROJECT},
        {**one(token(deps, tenant="globex")), "project": PROJECT},
    ]
    answers = [say(phone, body, status=401) for body in bodies]
    assert {answer["detail"] for answer in answers} == {"receipts.0.token: is not valid for this project, or names no device"}
    assert [error["field"] for error in answers[0]["errors"]] == ["receipts.0.token"]
    for nothing in (one(token(deps)), {**one(None), "project": PROJECT}, {"receipts": "x", "project": PROJECT}, {"project": PROJECT}, {}):
        assert say(phone, nothing, status=401)["errors"] == []
    assert stored(deps) == set()
    assert isinstance(deps.refusals, MemoryRefusalCounter)
    assert sum(count for (_, _, reason, _), count in deps.refusals.counts.items() if reason is RefusalReason.RECEIPT) == len(bodies)


def test_a_client_reports_for_its_tenants_devices(deps: Deps, phone: FlaskClient) -> None:
    assert say(phone, one(token(deps)), CREDENTIALS)["accepted"] == 1
    assert say(phone, one(token(deps, ""), device_id="device-1"), CREDENTIALS)["accepted"] == 1
    assert [error["field"] for error in say(phone, one(token(deps, tenant="globex")), CREDENTIALS, 400)["errors"]] == ["receipts.0.token"]
    say(phone, one(token(deps)), {"Client-ID": "reader", "Client-Token": client_token("reader")}, 403)


def test_a_user_reports_for_own_devices_alone(deps: Deps, phone: FlaskClient) -> None:
    own = phone.post(f"{PREFIX}/devices", json={"token": "phone-token"}, headers=BEARER).json["id"]
    assert say(phone, one(token(deps, own)), BEARER)["accepted"] == 1
    assert say(phone, one(token(deps, ""), device_id=own), BEARER)["accepted"] == 1
    assert [error["field"] for error in say(phone, one(token(deps)), BEARER, 400)["errors"]] == ["receipts.0.token"]
    assert [error["field"] for error in say(phone, one(token(deps, ""), device_id="device-1"), BEARER, 400)["errors"]] == ["receipts.0.device_id"]
    assert stored(deps) == {(TENANT_ID, ReceiptKey("notification-1", own))}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "receipts"),
        ({"receipts": []}, "receipts"),
        (one("a", event="seen"), "receipts.0.event"),
        (one("a", at="yesterday"), "receipts.0.at"),
        (one("a", at="2026-11-24T08:00:00"), "receipts.0.at"),
        (one("a", at=1_795_000_000), "receipts.0.at"),
        (one("x" * 257), "receipts.0.token"),
        (one(""), "receipts.0.token"),
        (one("a", device_id="../x"), "receipts.0.device_id"),
        (one("a", more=1), "receipts.0.more"),
        ({**one("a"), "on_invalid": "ignore"}, "on_invalid"),
        ({**one("a"), "project": 1}, "project"),
        ({"receipts": [{"token": "a", "event": "read"}] * (MOST_RECEIPTS + 1)}, "receipts"),
    ],
)
def test_bad_bodies_are_refused_by_name(deps: Deps, phone: FlaskClient, body: Any, field: str) -> None:
    assert field in [error["field"] for error in say(phone, body, CREDENTIALS, 400)["errors"]]
    assert stored(deps) == set()


def test_full_batch_of_the_longest_entries_is_taken(deps: Deps, phone: FlaskClient) -> None:
    longest = {"token": "n" * 64 + "." + "d" * 64 + "." + "m" * 22, "event": "delivered", "at": "2026-11-24T08:00:00.123456+00:00"}
    many = [{**longest, "device_id": "d" * 64}] * (MOST_RECEIPTS - 1)
    told = say(phone, {"receipts": [{"token": token(deps), "event": "read"}, *many], "on_invalid": "skip", "project": PROJECT})
    assert (told["accepted"], len(told["items"])) == (1, MOST_RECEIPTS - 1)


def test_reports_are_limited_by_their_message(deps: Deps, phone: FlaskClient) -> None:
    deps.notifications.accept(a_notification(id="notification-2"), ())
    first, second = ({**one(token(deps, notification=f"notification-{number}")), "project": PROJECT} for number in (1, 2))
    for _ in range(DEFAULT_LIMITS[LimitGroup.OTHER]):
        say(phone, first)
    say(phone, first, status=429)
    say(phone, second)
