"""What a tenant has decided about its messages, applied when one is accepted."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fanfare.domain.channels import Channel
from fanfare.domain.errors import InvalidRequest
from fanfare.domain.message import Message, Priority
from fanfare.domain.send_request import Addressees, SendRequest
from fanfare.domain.tenant_settings import TenantSettings
from fanfare.ports import Deps
from fanfare.services.accept_notification import accept_notification
from tests.factories import TENANT_ID, a_call, a_device, a_tenant
from tests.fakes import fake_deps
from tests.unit.services.seeding import a_request, add_devices

TO = Addressees(device_ids=("device-1",))


def _deps(settings: TenantSettings) -> Deps:
    deps = fake_deps()
    deps.tenants.create(a_tenant(settings=settings))
    add_devices(deps, a_device())
    return deps


def _saying(**fields: object) -> SendRequest:
    raw = {"title": "Hello", **fields}
    return a_request(TO, message=Message(**raw), raw=raw)  # type: ignore[arg-type]


def test_message_without_a_life_lives_as_long_as_the_tenant_says() -> None:
    deps = _deps(TenantSettings(default_ttl_seconds=600))
    assert accept_notification(deps, a_call(), _saying()).notification.ttl_seconds == 600
    assert accept_notification(deps, a_call(), _saying(priority=Priority.HIGH)).notification.ttl_seconds == 600
    assert accept_notification(deps, a_call(), _saying(ttl_seconds=5)).notification.ttl_seconds == 5


def test_message_of_a_tenant_that_says_nothing_lives_as_its_priority_says() -> None:
    assert accept_notification(_deps(TenantSettings()), a_call(), _saying(priority=Priority.HIGH)).notification.ttl_seconds == 86_400


def test_channel_that_the_tenant_has_not_listed_is_refused_and_nothing_is_stored() -> None:
    deps = _deps(TenantSettings(channels=(Channel("orders", "Orders"),)))
    accept_notification(deps, a_call(), _saying(channel="orders"))
    accept_notification(deps, a_call(), _saying())
    with pytest.raises(InvalidRequest) as refused:
        accept_notification(deps, a_call("key"), _saying(channel="offers"))
    assert [error.field for error in refused.value.errors] == ["channel"]
    assert not accept_notification(deps, a_call("key"), _saying(channel="orders")).replayed


def test_repeat_of_an_accepted_request_gets_its_answer_although_its_channel_was_taken_off_the_list() -> None:
    deps = _deps(TenantSettings())
    first = accept_notification(deps, a_call("key"), _saying(channel="offers"))
    deps.tenants.update(TENANT_ID, lambda stored: replace(stored, settings=TenantSettings(channels=(Channel("orders", "Orders"),))))
    repeat = accept_notification(deps, a_call("key"), _saying(channel="offers"))
    assert (repeat.notification.id, repeat.replayed) == (first.notification.id, True)
