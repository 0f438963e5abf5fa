"""What this instance has read of the fleet's numbers lately."""

from __future__ import annotations

from datetime import datetime

from fanfare.domain.reading import Reading, is_fresh


class MemoryReadingWindow:
    """Keeps the last reading; calls that race to make one store theirs one after the other, which is harmless."""

    def __init__(self) -> None:
        self._reading: Reading | None = None

    def recent(self, now: datetime) -> Reading | None:
        """The last reading, if it is young enough."""
        reading = self._reading
        return reading if reading is not None and is_fresh(reading, now) else None

    def keep(self, reading: Reading) -> None:
        """Remember a reading."""
        self._reading = reading
