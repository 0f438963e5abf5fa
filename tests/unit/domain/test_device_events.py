"""What is told of devices by the states before and after a commit."""

from __future__ import annotations

import pytest

from fanfare.domain.device import Device, InactiveReason
from fanfare.domain.device_events import States, states_of, told_devices
from fanfare.domain.event import EventKind
from fanfare.domain.message import Platform
from fanfare.domain.registration import Displacement, RegistrationPlan
from tests.factories import a_device, an_owner

ACTIVE = a_device(platform=Platform.IOS, owners=(an_owner("profile-1"), an_owner("profile-2")))
SHOWN = {"id": "device-1", "platform": "ios", "profile_ids": ["profile-1", "profile-2"]}


def _inactive(reason: InactiveReason | None = InactiveReason.DEACTIVATED, **fields: object) -> Device:
    return a_device(platform=Platform.IOS, owners=ACTIVE.owners, active=False, inactive_reason=reason, **fields)


@pytest.mark.parametrize(
    ("states", "told"),
    [
        ((None, ACTIVE), {EventKind.DEVICE_REGISTERED: [SHOWN]}),
        ((ACTIVE, ACTIVE), {}),
        ((_inactive(), _inactive(InactiveReason.DELETED)), {}),
        ((_inactive(), None), {}),
        ((_inactive(), ACTIVE), {EventKind.DEVICE_REVIVED: [SHOWN]}),
        ((ACTIVE, None), {EventKind.DEVICE_DEACTIVATED: [SHOWN | {"reason": "erased"}]}),
        ((ACTIVE, _inactive(InactiveReason.UNREGISTERED)), {EventKind.DEVICE_DEACTIVATED: [SHOWN | {"reason": "unregistered"}]}),
        ((ACTIVE, _inactive(None)), {EventKind.DEVICE_DEACTIVATED: [SHOWN]}),
        ((None, None), {}),
    ],
    ids=["new", "refreshed", "deleted later", "wiped later", "revived", "erased", "retired", "without a reason", "never there"],
)
def test_device_is_told_when_it_begins_or_ends_to_receive(states: States, told: object) -> None:
    assert told_devices([states]) == told


def test_devices_of_one_commit_are_told_together_by_kind() -> None:
    lost, new = a_device(id="lost"), a_device(id="new")
    plans = [
        RegistrationPlan(new, displaced=Displacement(lost, a_device(id="lost", active=False, inactive_reason=InactiveReason.REPLACED))),
        RegistrationPlan(a_device(id="newer")),
        RegistrationPlan(ACTIVE, ACTIVE),
    ]
    told = told_devices(states_of(plans))
    assert [device["id"] for device in told[EventKind.DEVICE_REGISTERED]] == ["new", "newer"]
    assert [(device["id"], device["reason"]) for device in told[EventKind.DEVICE_DEACTIVATED]] == [("lost", "replaced")]
    assert len(told) == 2
