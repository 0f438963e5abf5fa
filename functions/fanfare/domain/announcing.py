"""What a write announces: the events that ride in its commit, beside its audit entry."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fanfare.domain.event import Event

Announcer = Callable[[Any, Any], Sequence[Event]]
"""Makes the events of one write out of what was stored before (None: nothing) and after (None: nothing any more)."""
