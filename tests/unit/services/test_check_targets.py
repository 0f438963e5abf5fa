"""Registrations that want FCM to know the target: FCM is asked first, and what it refuses is not stored."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fanfare.domain.classification import Answer
from fanfare.domain.errors import CredentialRefused, FanfareError, InvalidRequest, NotFound, Unavailable
from fanfare.domain.filters import ProfileFilter
from fanfare.domain.message import TargetKind
from fanfare.ports import Deps
from fanfare.services.register_devices import Registered, register_device, register_devices
from tests.factories import TENANT_ID, a_call, a_registration, a_tenant, a_token
from tests.fakes import ScriptedPushSender, fake_deps
from tests.unit.services.seeding import username

T1, T2, T3 = a_token("t1"), a_token("t2"), a_token("t3")
NOT_NOW = 30


def fcm_error(status: int, code: str | None) -> Answer:
    details = [{"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": code}] if code else []
    return Answer(status, json.dumps({"error": {"code": status, "message": "no", "status": code, "details": details}}).encode())


DEAD = fcm_error(404, "UNREGISTERED")


def _deps(sender: ScriptedPushSender) -> Deps:
    deps = fake_deps(sender=sender)
    deps.tenants.create(a_tenant())
    return deps


def _check(deps: Deps, *targets: Any) -> list[Registered | FanfareError]:
    return register_devices(deps, a_call(), [a_registration(target=target, checked=True) for target in targets])


def test_target_that_fcm_knows_is_registered_and_got_no_message() -> None:
    sender = ScriptedPushSender()
    deps = _deps(sender)
    fid = a_token(value="cDemoInstallationIdIos", kind=TargetKind.FID)
    assert [type(outcome) for outcome in _check(deps, T1, fid)] == [Registered, Registered]
    assert [body for _, body in sender.sent] == [
        {"validate_only": True, "message": {"token": T1.value}},
        {"validate_only": True, "message": {"fid": fid.value}},
    ]


def test_fcm_is_not_asked_unless_the_registration_wants_it() -> None:
    sender = ScriptedPushSender({T1.value: DEAD})
    assert register_device(_deps(sender), a_call(), a_registration(target=T1)).created
    assert sender.sent == []


@pytest.mark.parametrize("answer", [DEAD, fcm_error(400, "INVALID_ARGUMENT"), fcm_error(403, "SENDER_ID_MISMATCH")])
def test_target_that_fcm_refuses_is_named_and_not_stored(answer: Answer) -> None:
    deps = _deps(ScriptedPushSender({T1.value: answer}))
    with pytest.raises(InvalidRequest) as refused:
        register_device(deps, a_call(), a_registration(target=T1, checked=True, profile=username("carol")))
    assert [error.field for error in refused.value.errors] == ["token"]
    assert T1.value not in str(refused.value)
    assert deps.devices.find_by_target(TENANT_ID, T1) is None
    assert deps.profiles.list(TENANT_ID, ProfileFilter(), 10, None).items == []


@pytest.mark.parametrize(
    "answer",
    [Answer(0), Answer(503), fcm_error(429, "QUOTA_EXCEEDED"), fcm_error(401, "THIRD_PARTY_AUTH_ERROR"), fcm_error(401, None), fcm_error(404, None)],
)
def test_answer_that_says_nothing_of_the_target_asks_to_come_back(answer: Answer) -> None:
    deps = _deps(ScriptedPushSender({T1.value: answer}))
    with pytest.raises(Unavailable) as refused:
        register_device(deps, a_call(), a_registration(target=T1, checked=True))
    assert refused.value.retry_after_seconds == NOT_NOW
    assert deps.devices.find_by_target(TENANT_ID, T1) is None


@pytest.mark.parametrize("failure", [Unavailable("Google's token service does not answer."), CredentialRefused("invalid_grant")])
def test_fcm_that_can_not_be_asked_refuses_only_what_was_to_be_checked(failure: Exception) -> None:
    deps = _deps(ScriptedPushSender(failure=failure))
    outcomes = register_devices(deps, a_call(), [a_registration(target=T1, checked=True), a_registration(target=T2)])
    assert [type(outcome) for outcome in outcomes] == [Unavailable, Registered]


def test_many_targets_are_asked_about_at_once_and_each_once() -> None:
    sender = ScriptedPushSender({T2.value: DEAD})
    outcomes = _check(_deps(sender), T1, T2, T1, T3, T2)
    assert [type(outcome) for outcome in outcomes] == [Registered, InvalidRequest, Registered, Registered, InvalidRequest]
    assert len(sender.sent) == 3


def test_tenant_that_is_gone_is_not_found() -> None:
    with pytest.raises(NotFound):
        _check(fake_deps(), T1)
