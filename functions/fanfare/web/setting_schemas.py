"""A tenant's settings as the API takes them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from fanfare.domain.channels import LONGEST_CHANNEL_TEXT, MOST_CHANNELS
from fanfare.domain.keepalive_settings import LONGEST_SILENCE_DAYS
from fanfare.domain.lifetime import MAX_TTL_SECONDS
from fanfare.domain.setting_rules import LARGEST_QUOTA, LONGEST_RETENTION_DAYS, MOST_ORIGINS
from fanfare.web.schema import In, Timezone

Kind = Literal["notifications", "chunks", "receipts", "events", "dead_letters", "audit", "inactive_devices", "deleted"]
_ChannelText = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_CHANNEL_TEXT, pattern=r"^[^\x00-\x1f\x7f]+$")]
_TimeOfDay = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
_Origin = Annotated[str, StringConstraints(min_length=9, max_length=255)]
_Days = Annotated[int, Field(ge=1, le=LONGEST_RETENTION_DAYS)]
ImportanceName = Literal["none", "min", "low", "default", "high"]
PriorityName = Literal["high", "normal"]


class NightIn(In):
    """From when to when nobody is pinged, on the device's own clock."""

    starts_at: _TimeOfDay = Field(alias="from")
    to: _TimeOfDay


class KeepaliveIn(In):
    """Whether silent devices are pinged, and until how many days of silence."""

    enabled: bool = False
    max_silence_days: Annotated[int, Field(ge=1, le=LONGEST_SILENCE_DAYS)] = 7
    night: NightIn | None = None


class ChannelIn(In):
    """An Android channel that the app has made; without a name it is shown by its id."""

    id: _ChannelText
    name: _ChannelText | None = None
    importance: ImportanceName | None = None
    sound: _ChannelText | None = None
    priority: PriorityName | None = None


class SettingsIn(In):
    """A tenant's settings. What is left out stays as it was, what is given is replaced as a whole, null brings the default back."""

    keepalive: KeepaliveIn | None = None
    retention_days: dict[Kind, _Days] | None = Field(None, description="Days by kind; kinds that are not named keep their default.")
    quota_per_minute: Annotated[int, Field(ge=1, le=LARGEST_QUOTA)] | None = None
    cors_origins: Annotated[list[_Origin], Field(max_length=MOST_ORIGINS)] | None = None
    timezone: Timezone | None = None
    default_ttl_seconds: Annotated[int, Field(ge=0, le=MAX_TTL_SECONDS)] | None = Field(
        None, description="The life of messages that say none; null leaves it to their priority."
    )
    channels: Annotated[list[ChannelIn], Field(max_length=MOST_CHANNELS)] | None = Field(
        None, description="Once any is listed, a message that names another one is refused."
    )

    def settings(self) -> dict[str, Any]:
        """The settings that the request names, as the domain reads them."""
        said = self.model_dump(by_alias=True, include=set(SettingsIn.model_fields))
        return {name: said[name] for name in said if name in self.model_fields_set}
