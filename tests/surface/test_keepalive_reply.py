"""Who may reply to a ping, and for which device: a client, a user, and the receipt of the ping itself."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from fanfare.domain.audit import AuditEntry
from fanfare.domain.call import ActorKind
from fanfare.domain.device import Device
from fanfare.domain.id_token import TokenSubject
from fanfare.domain.keepalive import Keepalive, KeepaliveState
from fanfare.domain.limits import DEFAULT_LIMITS, LimitGroup
from fanfare.domain.message import TargetKind
from fanfare.domain.ping_message import ping_of
from fanfare.domain.receipt import sign_receipt
from fanfare.domain.refusal import RefusalReason
from fanfare.domain.registration import RegistrationPlan
from fanfare.domain.target import Target
from fanfare.ports import Deps
from fanfare.web.api import build_api
from tests.factories import NOW, TENANT_ID, a_device, a_notification
from tests.fakes import FixedClock, MemoryAuditStore, MemoryRefusalCounter, ScriptedUserAuthenticator
from tests.surface.surface import BEARER, CREDENTIALS, PREFIX, USER_TOKEN, some_deps

PATH = f"{PREFIX}/keepalive-reply"
PROJECT = f"{TENANT_ID}-app"
FID = "cDemoInstallationIdIos"
OTHER = {"Authorization": "Bearer other.users.token"}
STOPPED = Keepalive(KeepaliveState.STOPPED, NOW - timedelta(days=9), None, NOW - timedelta(days=9))


@pytest.fixture
def deps() -> Deps:
    subjects = {USER_TOKEN: TokenSubject(PROJECT, "uid-1"), "other.users.token": TokenSubject(PROJECT, "uid-2")}
    users = ScriptedUserAuthenticator(subjects)
    deps = some_deps(clock=FixedClock(NOW), users=users, audit=MemoryAuditStore(), refusals=MemoryRefusalCounter())
    for tenant in (TENANT_ID, "globex"):
        assert deps.devices.save(tenant, [RegistrationPlan(a_device(keepalive=STOPPED))])
        deps.notifications.accept(ping_of(tenant, None, 1, notification_id="ping-1", request_id="r", now=NOW), ())
    return deps


@pytest.fixture
def phone(deps: Deps) -> FlaskClient:
    return build_api(deps).test_client()


def device(deps: Deps, tenant: str = TENANT_ID) -> Device:
    return deps.devices.get(tenant, ["device-1"])[0]


def entries(deps: Deps) -> list[AuditEntry]:
    assert isinstance(deps.audit, MemoryAuditStore)
    return [entry for _, entry in deps.audit.entries if entry.action == "device.replied"]


def receipt(deps: Deps, notification: str = "ping-1", name: str = "device-1", *, tenant: str = TENANT_ID) -> str:
    return sign_receipt(deps.receipt_keys.receipt_key(tenant), notification, name)


def say(phone: FlaskClient, body: Any, headers: dict[str, str] | None = None) -> int:
    return phone.post(PATH, json=body, headers=headers or {}).status_code


@pytest.mark.parametrize("way", ["token", "device_id", "receipt"])
def test_a_client_replies_for_any_device_of_its_tenant(deps: Deps, phone: FlaskClient, way: str) -> None:
    named = {"token": device(deps).target.value, "device_id": "device-1", "receipt": receipt(deps)}[way]
    assert say(phone, {way: named}, CREDENTIALS) == 204
    assert device(deps).keepalive == Keepalive(KeepaliveState.NEW, STOPPED.last, None, NOW)
    assert device(deps, "globex").keepalive == STOPPED


def test_a_fid_is_a_target_too(deps: Deps, phone: FlaskClient) -> None:
    assert deps.devices.save(TENANT_ID, [RegistrationPlan(a_device(id="ios", owners=(), target=Target(TargetKind.FID, FID)))])
    assert say(phone, {"fid": FID}, CREDENTIALS) == 204
    assert deps.devices.get(TENANT_ID, ["ios"])[0].keepalive.reply == NOW


def test_to_say_it_again_changes_nothing(deps: Deps, phone: FlaskClient) -> None:
    for _ in range(3):
        assert say(phone, {"device_id": "device-1"}, CREDENTIALS) == 204
    assert len(entries(deps)) == 1


@pytest.mark.parametrize("body", [{"token": "nobodys-token"}, {"device_id": "nobody"}, {"receipt": "ping-1.device-1.AAAAAAAAAAAAAAAAAAAAAA"}])
def test_who_is_not_there_is_not_found_and_not_quoted(deps: Deps, phone: FlaskClient, body: dict[str, str]) -> None:
    answer = phone.post(PATH, json=body, headers=CREDENTIALS)
    assert (answer.status_code, answer.json["code"]) == (404, "not_found")
    assert next(iter(body.values())) not in answer.text
    assert device(deps).keepalive == STOPPED


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "body"),
        ({"token": "a", "device_id": "b"}, "body"),
        ({"device_id": "../x"}, "device_id"),
        ({"token": ""}, "token"),
        ({"device_id": "device-1", "project": 1}, "project"),
        ({"device_id": "device-1", "more": 1}, "more"),
    ],
)
def test_bad_bodies_are_refused_by_name(phone: FlaskClient, body: Any, field: str) -> None:
    answer = phone.post(PATH, json=body, headers=CREDENTIALS)
    assert (answer.status_code, [error["field"] for error in answer.json["errors"]]) == (400, [field])


def test_a_user_replies_for_their_own_devices_alone(deps: Deps, phone: FlaskClient) -> None:
    made = phone.post(f"{PREFIX}/devices", json={"token": "phone-token"}, headers=BEARER).json
    assert made["keepalive"] == {"state": "new", "last": None, "next": None, "reply": None}
    for body in ({"device_id": made["id"]}, {"token": "phone-token"}):
        assert say(phone, body, OTHER) == 404
    assert say(phone, {"device_id": "device-1"}, BEARER) == 404
    assert say(phone, {"token": "phone-token"}, BEARER) == 204
    assert phone.get(f"{PREFIX}/devices/{made['id']}", headers=BEARER).json["keepalive"]["reply"] == NOW.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    assert [entry.actor.kind for entry in entries(deps)] == [ActorKind.USER]


def test_an_app_without_any_credential_replies_by_the_receipt_of_its_ping(deps: Deps, phone: FlaskClient) -> None:
    assert say(phone, {"receipt": receipt(deps), "project": PROJECT}) == 204
    assert device(deps).keepalive.reply == NOW
    assert device(deps, "globex").keepalive == STOPPED
    (entry,) = entries(deps)
    assert (entry.actor.kind, entry.actor.id) == (ActorKind.DEVICE, "device:device-1")


def test_whatever_is_wrong_with_a_receipt_the_answer_is_that_to_no_credential(deps: Deps, phone: FlaskClient) -> None:
    good = receipt(deps)
    wrong: list[Any] = [
        {"receipt": good},
        {"receipt": good[:-1], "project": PROJECT},
        {"receipt": receipt(deps, tenant="nobody"), "project": "unknown-app"},
        {"receipt": good, "project": "globex-app"},
        {"receipt": good, "project": ""},
        {"receipt": receipt(deps, name=""), "project": PROJECT},
        {"receipt": [good], "project": PROJECT},
        {"device_id": "device-1", "project": PROJECT},
    ]
    usual = phone.post(PATH, json={"device_id": "device-1"}, headers={"X-Request-ID": "same"})
    answers = [phone.post(PATH, json=body, headers={"X-Request-ID": "same"}) for body in wrong]
    assert {(answer.status_code, answer.data) for answer in answers} == {(401, usual.data)}
    assert device(deps).keepalive == STOPPED
    assert isinstance(deps.refusals, MemoryRefusalCounter)
    counted = {(tenant, client, reason): number for (tenant, client, reason, _), number in deps.refusals.counts.items()}
    assert counted == {("platform", "device", RefusalReason.RECEIPT): 5}


def test_a_receipt_speaks_for_its_own_device_and_of_pings_alone(deps: Deps, phone: FlaskClient) -> None:
    deps.notifications.accept(a_notification(id="news-1", tenant=TENANT_ID), ())
    assert say(phone, {"receipt": receipt(deps, "news-1"), "project": PROJECT}) == 404
    assert say(phone, {"receipt": receipt(deps, "gone-1"), "project": PROJECT}) == 404
    assert say(phone, {"receipt": receipt(deps, name="erased"), "project": PROJECT}) == 404
    both = {"receipt": receipt(deps, "news-1"), "device_id": "device-1", "project": PROJECT}
    assert say(phone, both) == 400
    assert device(deps).keepalive == STOPPED


def test_a_receipt_opens_nothing_else(deps: Deps, phone: FlaskClient) -> None:
    body = {"receipt": receipt(deps), "project": PROJECT}
    assert phone.post(f"{PREFIX}/devices", json=body).status_code == 401
    assert phone.post(f"{PREFIX}/devices/lookup", json=body).status_code == 401


def test_a_credential_that_is_refused_is_not_replaced_by_a_receipt(deps: Deps, phone: FlaskClient) -> None:
    body = {"receipt": receipt(deps), "project": PROJECT}
    assert say(phone, body, {"Client-ID": "client-1", "Client-Token": "wrong"}) == 401
    assert say(phone, body, {"Authorization": "Bearer wrong"}) == 401
    assert device(deps).keepalive == STOPPED


def test_each_device_has_a_limit_of_its_own(deps: Deps, phone: FlaskClient) -> None:
    body = {"receipt": receipt(deps), "project": PROJECT}
    answers = [say(phone, body) for _ in range(DEFAULT_LIMITS[LimitGroup.DEVICES] + 1)]
    assert answers[-2:] == [204, 429]
    assert say(phone, {"receipt": receipt(deps, name="erased"), "project": PROJECT}) == 404
