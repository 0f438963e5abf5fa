"""What a walk leaves behind: where its values may be found, and where none of them may."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator

from fanfare.domain.filters import AuditFilter
from fanfare.domain.tenant import PLATFORM_TENANT
from tests.locks.walk import Walk

_LONGEST_QUOTE = 300


class Overheard(logging.Handler):
    """Keeps what libraries log."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


def audit_entries(walk: Walk) -> Iterator[str]:
    """The audit logs of both tenants and of the platform, entry by entry."""
    for tenant in (walk.world.acme.id, walk.world.globex.id, PLATFORM_TENANT):
        after: str | None = None
        while True:
            page = walk.world.deps.audit.list(tenant, AuditFilter(), 200, after)
            yield from map(repr, page.items)
            after = page.next_after
            if after is None:
                break


def quoted(lines: Iterable[str], values: Iterable[str]) -> list[str]:
    """The lines that hold one of the values."""
    said = list(lines)
    together = "\n".join(said)
    present = [value for value in values if value in together]
    return [f"{value}: {line[:_LONGEST_QUOTE]}" for value in present for line in said if value in line]
