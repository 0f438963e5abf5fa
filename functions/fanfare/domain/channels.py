"""Android notification channels: which ones an app has, and that a message names no other once its tenant has listed them.

Android shows a message of an unknown channel in none.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from fanfare.domain.errors import InvalidRequest
from fanfare.domain.message import Message, Priority
from fanfare.domain.value_rules import read_list, read_members, read_text, read_word

MOST_CHANNELS = 100
LONGEST_CHANNEL_TEXT = 255
_BLOCK_NAMES = ("channel_id", "channelId")


class Importance(StrEnum):
    """How much an Android channel interrupts (developer.android.com/develop/ui/views/notifications/channels)."""

    NONE = "none"
    MIN = "min"
    LOW = "low"
    DEFAULT = "default"
    HIGH = "high"


@dataclass(frozen=True, slots=True)
class Channel:
    """An Android notification channel that the app has made."""

    id: str
    name: str
    importance: Importance = Importance.DEFAULT
    sound: str | None = None
    priority: Priority | None = None

    def __str__(self) -> str:
        """In words, for the audit log."""
        return self.id


def read_channels(value: object) -> tuple[Channel, ...]:
    """The app's channels; none listed means that any may be named."""
    channels = tuple(_read_channel(channel, f"channels.{index}") for index, channel in enumerate(read_list(value, "channels", MOST_CHANNELS)))
    for index, channel in enumerate(channels):
        if channel.id in {earlier.id for earlier in channels[:index]}:
            raise InvalidRequest.at(f"channels.{index}.id", "stands in the list twice")
    return channels


def check_channel(message: Message, channels: Collection[Channel]) -> None:
    """Refuse a message that names a channel which the tenant has not listed; without a list any may be named."""
    known = {channel.id for channel in channels}
    for field, named in _named(message) if known else ():
        if named not in known:
            raise InvalidRequest.at(field, "names none of the app's channels")


def _named(message: Message) -> Iterator[tuple[str, str]]:
    if message.channel is not None:
        yield "channel", message.channel
    shown = message.android.get("notification")
    block = shown if isinstance(shown, Mapping) else {}
    yield from ((f"android.notification.{name}", block[name]) for name in _BLOCK_NAMES if block.get(name) is not None)


def _read_channel(value: object, field: str) -> Channel:
    given = read_members(value, field, ("id", "name", "importance", "sound", "priority"))
    identifier = read_text(given.get("id"), f"{field}.id", LONGEST_CHANNEL_TEXT)
    name = given.get("name")
    sound, importance, priority = given.get("sound"), given.get("importance"), given.get("priority")
    return Channel(
        id=identifier,
        name=identifier if name is None else read_text(name, f"{field}.name", LONGEST_CHANNEL_TEXT),
        importance=Importance.DEFAULT if importance is None else Importance(read_word(importance, f"{field}.importance", Importance)),
        sound=None if sound is None else read_text(sound, f"{field}.sound", LONGEST_CHANNEL_TEXT),
        priority=None if priority is None else Priority(read_word(priority, f"{field}.priority", Priority)),
    )
