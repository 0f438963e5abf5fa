"""What each setting of a tenant may hold, and that nothing else gets through, whatever it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfare.domain.channels import MOST_CHANNELS, Channel, Importance, read_channels
from fanfare.domain.errors import InvalidRequest
from fanfare.domain.keepalive_settings import KeepaliveSettings, NightWindow, read_keepalive
from fanfare.domain.message import Priority
from fanfare.domain.setting_rules import (
    MOST_ORIGINS,
    RETENTION_DAYS,
    read_default_ttl,
    read_name,
    read_origins,
    read_quota,
    read_retention,
    read_timezone,
)
from fanfare.domain.tenant_settings import READERS, TenantSettings, change_settings, read_settings

NIGHT = {"from": "22:00", "to": "07:00"}
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8) | st.sampled_from(["id", "night", "from", "enabled"]), inner, max_size=3)
    ),
    max_leaves=8,
)

GOOD: list[tuple[Callable[[object], Any], object, Any]] = [
    (read_name, "Acme", "Acme"),
    (read_keepalive, {}, KeepaliveSettings()),
    (
        read_keepalive,
        {"enabled": True, "max_silence_days": 3, "night": NIGHT},
        KeepaliveSettings(enabled=True, max_silence_days=3, night=NightWindow("22:00", "07:00")),
    ),
    (read_keepalive, {"night": None}, KeepaliveSettings()),
    (read_retention, {"audit": 400}, {**RETENTION_DAYS, "audit": 400}),
    (read_quota, 1_200, 1_200),
    (read_origins, ["https://APP.example.com", "https://app.example.com:443"], ("https://app.example.com",)),
    (read_origins, ["http://localhost:5000", "http://127.0.0.1:80"], ("http://localhost:5000", "http://127.0.0.1")),
    (read_timezone, "Africa/Dar_es_Salaam", "Africa/Dar_es_Salaam"),
    (read_default_ttl, None, None),
    (read_default_ttl, 0, 0),
    (read_channels, [], ()),
    (read_channels, [{"id": "orders"}], (Channel("orders", "orders"),)),
    (
        read_channels,
        [{"id": "orders", "name": "Orders", "importance": "high", "sound": "ping", "priority": "high"}],
        (Channel("orders", "Orders", Importance.HIGH, "ping", Priority.HIGH),),
    ),
]

BAD: list[tuple[Callable[[object], Any], object, str]] = [
    (read_name, "", "name"),
    (read_name, "a\nb", "name"),
    (read_name, "x" * 129, "name"),
    (read_name, None, "name"),
    (read_keepalive, "on", "keepalive"),
    (read_keepalive, {"enabled": 1}, "keepalive.enabled"),
    (read_keepalive, {"max_silence_days": 0}, "keepalive.max_silence_days"),
    (read_keepalive, {"max_silence_days": True}, "keepalive.max_silence_days"),
    (read_keepalive, {"loud": True}, "keepalive.loud"),
    (read_keepalive, {"night": {"from": "22:00"}}, "keepalive.night.to"),
    (read_keepalive, {"night": {"from": "24:00", "to": "07:00"}}, "keepalive.night.from"),
    (read_keepalive, {"night": {"from": "07:00", "to": "07:00"}}, "keepalive.night.to"),
    (read_retention, {"audit": 29}, "retention_days.audit"),
    (read_retention, {"events": 0}, "retention_days.events"),
    (read_retention, {"everything": 1}, "retention_days.everything"),
    (read_quota, 0, "quota_per_minute"),
    (read_quota, 1.5, "quota_per_minute"),
    (read_quota, "600", "quota_per_minute"),
    (read_origins, "https://app.example.com", "cors_origins"),
    (read_origins, ["https://app.example.com"] * (MOST_ORIGINS + 1), "cors_origins"),
    (read_origins, ["https://app.example.com", "*"], "cors_origins.1"),
    (read_origins, ["http://app.example.com"], "cors_origins.0"),
    (read_origins, ["https://app.example.com/"], "cors_origins.0"),
    (read_origins, ["https://user@app.example.com"], "cors_origins.0"),
    (read_origins, [None], "cors_origins.0"),
    (read_timezone, "Mars/Olympus", "timezone"),
    (read_timezone, "../../etc/passwd", "timezone"),
    (read_timezone, "", "timezone"),
    (read_timezone, 3, "timezone"),
    (read_default_ttl, 2_419_201, "default_ttl_seconds"),
    (read_default_ttl, -1, "default_ttl_seconds"),
    (read_channels, {"id": "orders"}, "channels"),
    (read_channels, [{"id": str(number)} for number in range(MOST_CHANNELS + 1)], "channels"),
    (read_channels, [{}], "channels.0.id"),
    (read_channels, [{"id": "a"}, {"id": "a"}], "channels.1.id"),
    (read_channels, [{"id": "a", "importance": "loud"}], "channels.0.importance"),
    (read_channels, [{"id": "a", "priority": 1}], "channels.0.priority"),
    (read_channels, [{"id": "a", "sound": ""}], "channels.0.sound"),
    (read_channels, [{"id": "a", "name": ""}], "channels.0.name"),
    (read_channels, ["orders"], "channels.0"),
]


@pytest.mark.parametrize(("read", "value", "expected"), GOOD)
def test_good_value_is_read(read: Callable[[object], Any], value: object, expected: object) -> None:
    assert read(value) == expected


@pytest.mark.parametrize(("read", "value", "field"), BAD)
def test_bad_value_is_refused_by_its_field(read: Callable[[object], Any], value: object, field: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read(value)
    assert [error.field for error in refused.value.errors] == [field]


@given(ANYTHING)
def test_no_reader_fails_in_another_way_whatever_a_hand_has_written(value: object) -> None:
    for read in READERS.values():
        with suppress(InvalidRequest):
            read(value)


@given(st.dictionaries(st.sampled_from(sorted(READERS)), ANYTHING))
def test_every_document_is_read_and_each_setting_is_believed_or_said_to_be_broken(stored: Mapping[str, object]) -> None:
    settings, defects = read_settings(stored)
    assert all(name in stored and getattr(settings, name) == getattr(TenantSettings(), name) for name in defects)
    good = {name: value for name, value in stored.items() if name not in defects}
    assert change_settings(TenantSettings(), good) == settings


def test_settings_that_nobody_made_are_the_defaults() -> None:
    assert read_settings({}) == (TenantSettings(), {})
    assert TenantSettings().quota_per_minute == 600_000
    assert TenantSettings().keepalive == KeepaliveSettings(enabled=False, max_silence_days=7, night=None)
    assert TenantSettings().retention_days == RETENTION_DAYS


def test_broken_setting_has_its_default_and_its_reason_and_leaves_the_others_alone() -> None:
    settings, defects = read_settings({"timezone": "Europe/Berlin", "quota_per_minute": "many", "retention_days": {"audit": -1}})
    assert settings == TenantSettings(timezone="Europe/Berlin")
    assert defects == {
        "quota_per_minute": "quota_per_minute: must be a whole number from 1 to 100000000",
        "retention_days": "retention_days.audit: must be a whole number from 30 to 3650",
    }


def test_setting_that_is_not_given_stays_and_null_brings_the_default_back() -> None:
    present = TenantSettings(timezone="Europe/Berlin", quota_per_minute=5)
    assert change_settings(present, {"quota_per_minute": None}) == TenantSettings(timezone="Europe/Berlin")
    assert change_settings(present, {}) == present


def test_everything_that_is_wrong_is_named_at_once() -> None:
    with pytest.raises(InvalidRequest) as refused:
        change_settings(TenantSettings(), {"timezone": 1, "quota_per_minute": 0, "channels": []})
    assert [error.field for error in refused.value.errors] == ["timezone", "quota_per_minute"]


def test_settings_are_said_in_words_in_the_audit_log() -> None:
    assert (
        str(KeepaliveSettings(enabled=True, max_silence_days=3, night=NightWindow("22:00", "07:00")))
        == "on, silence at most 3 days, night 22:00 to 07:00"
    )
    assert str(KeepaliveSettings()) == "off, silence at most 7 days, night none"
    assert str(Channel("orders", "Orders")) == "orders"
