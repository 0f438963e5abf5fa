"""An instance that is always the same."""

from __future__ import annotations

from fanfare.domain.health import Vitals


class FixedInstance:
    """Runs for a minute and a half, hardly loaded."""

    def vitals(self) -> Vitals:
        return Vitals(90.5, (0.5, 0.25, 0.125), 64 * 1024 * 1024)
