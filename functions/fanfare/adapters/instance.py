"""How this instance is: what the operating system tells of its process."""

from __future__ import annotations

import os
import resource
from pathlib import Path

from fanfare.domain.health import Vitals
from fanfare.ports import Clock

STATM = Path("/proc/self/statm")
"""Pages: in all, resident, … (man 5 proc)."""
_KIBIBYTE = 1024


class ThisInstance:
    """The process that runs this, from when its adapters were built on: that is its first request."""

    def __init__(self, clock: Clock, statm: Path = STATM) -> None:
        self._clock = clock
        self._statm = statm
        self._began_at = clock.now()

    def vitals(self) -> Vitals:
        """How it is now."""
        uptime = (self._clock.now() - self._began_at).total_seconds()
        return Vitals(uptime, os.getloadavg(), self._memory_bytes())

    def _memory_bytes(self) -> int:
        """The memory that is held now; where there is no `/proc`, the most that was ever held."""
        try:
            return int(self._statm.read_text(encoding="ascii").split()[1]) * resource.getpagesize()
        except OSError:
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _KIBIBYTE
