"""Which Android channels a message may name."""

from __future__ import annotations

from typing import Any

import pytest

from fanfare.domain.channels import Channel, check_channel
from fanfare.domain.errors import InvalidRequest
from fanfare.domain.message import Message

CHANNELS = (Channel("orders", "Orders"), Channel("news", "News"))


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"channel": "orders"},
        {"android": {"notification": {"channel_id": "news"}}},
        {"android": {"notification": "?"}},
        {"android": {"ttl": "1s"}},
    ],
)
def test_listed_channel_or_none_may_be_named(fields: dict[str, Any]) -> None:
    check_channel(Message(title="a", **fields), CHANNELS)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"channel": "offers"}, "channel"),
        ({"android": {"notification": {"channel_id": "offers"}}}, "android.notification.channel_id"),
        ({"channel": "orders", "android": {"notification": {"channelId": "offers"}}}, "android.notification.channelId"),
    ],
)
def test_another_channel_is_refused_once_channels_are_listed(fields: dict[str, Any], field: str) -> None:
    message = Message(title="a", **fields)
    with pytest.raises(InvalidRequest) as refused:
        check_channel(message, CHANNELS)
    assert [error.field for error in refused.value.errors] == [field]
    check_channel(message, ())
