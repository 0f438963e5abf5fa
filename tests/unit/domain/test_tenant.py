"""Tenants: why one is held, and when somebody must look at it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from fanfare.domain.brake import HeldChunk, Quarantine
from fanfare.domain.breaker import ALL, Breaker
from fanfare.domain.tenant import DRAINING, attention_at, hold_reason
from tests.factories import NOW, a_tenant

SOON, LATER = NOW + timedelta(seconds=60), NOW + timedelta(minutes=10)
QUARANTINE = Quarantine("unregistered", NOW, (HeldChunk("notification-1", 0),))


def a_breaker(probe_at: datetime = SOON, reason: str = "SENDER_ID_MISMATCH") -> Breaker:
    return Breaker(reason, NOW, probe_at)


HOLDS: list[tuple[dict[str, Any], str | None]] = [
    ({}, None),
    ({"breakers": {"ios": a_breaker()}}, None),
    ({"breakers": {ALL: a_breaker(reason="invalid_grant")}}, "breaker_open:invalid_grant"),
    ({"quarantine": QUARANTINE}, "quarantined"),
    ({"quarantine": QUARANTINE, "breakers": {ALL: a_breaker()}}, "quarantined"),
    ({"draining_until": LATER}, None),
]


@pytest.mark.parametrize(("state", "reason"), HOLDS)
def test_tenant_is_held_by_a_quarantine_or_a_breaker_of_everything(state: dict[str, Any], reason: str | None) -> None:
    assert hold_reason(a_tenant(**state)) == reason


def test_tenant_in_order_needs_no_attention() -> None:
    assert attention_at(a_tenant()) is None


def test_tenant_with_breakers_is_looked_at_when_the_first_is_to_be_probed() -> None:
    assert attention_at(a_tenant(breakers={ALL: a_breaker(LATER), "ios": a_breaker(SOON)})) == SOON


@pytest.mark.parametrize("breakers", [{}, {ALL: a_breaker(LATER)}])
def test_draining_or_quarantined_tenant_is_looked_at_from_the_beginning(breakers: dict[str, Breaker]) -> None:
    assert attention_at(a_tenant(breakers=breakers, draining_until=NOW + DRAINING)) == NOW
    assert attention_at(a_tenant(breakers=breakers, quarantine=QUARANTINE)) == NOW
