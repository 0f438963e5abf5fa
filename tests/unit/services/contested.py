"""Device stores in which other writers are at work."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fanfare.domain.audit import AuditEntry
from fanfare.domain.registration import RegistrationPlan
from tests.fakes import MemoryDeviceStore


class ContestedDeviceStore(MemoryDeviceStore):
    """Before each of the next `races` saves, `rival` writes something."""

    def __init__(self) -> None:
        super().__init__()
        self.races = 0
        self.rival: Callable[[], object] = lambda: None
        self.saved: list[int] = []

    def save(self, tenant: str, plans: Sequence[RegistrationPlan], audit: AuditEntry | None = None) -> bool:
        if self.races:
            self.races -= 1
            self.rival()
        stored = super().save(tenant, plans, audit)
        if stored:
            self.saved.append(len(plans))
        return stored
