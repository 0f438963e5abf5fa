"""An audience as the API shows it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from fanfare.domain.audience import BEGINNING, Audience
from fanfare.web.instants import show_time
from fanfare.web.schema import Out


class AppAudienceOut(Out):
    """The packed audience of a tenant: what a broadcast reads instead of its devices."""

    id: str
    devices: int = Field(description="How many devices could be reached when they were counted last.")
    shards: int = Field(description="Into how many parts they are divided; each is one chunk of a broadcast to everyone.")
    generation: int = Field(description="Rises when the parts are divided anew.")
    watermark_lag_seconds: float | None = Field(
        description="How old the oldest change of a device may be that is not in it yet (null: nothing was ever compacted). "
        "It is two minutes at least, and grows while no device changes; a broadcast brings the audience up to date before it begins."
    )
    compacted_at: datetime | None = Field(description="When it was brought up to date last.")


def show_audience_state(audience: Audience, now: datetime) -> dict[str, Any]:
    """An audience as the API shows it."""
    lag = None if audience.watermark == BEGINNING else (now - audience.watermark).total_seconds()
    return {
        "id": audience.tenant,
        "devices": audience.devices,
        "shards": audience.shards,
        "generation": audience.generation,
        "watermark_lag_seconds": lag,
        "compacted_at": show_time(audience.compacted_at),
    }
