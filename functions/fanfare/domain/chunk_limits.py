"""Which rows stand in one chunk: a chunk closes at 500 rows or at 700 KiB, whichever comes first (a document holds 1 MiB)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fanfare.domain.packing import pack_recipients
from fanfare.domain.recipient import Recipient

MOST_ROWS = 500
MOST_BYTES = 700 * 1024
_TIGHT = 0.95
"""How much of the room is filled where rows have to be left out: they are not all of the same size."""


def close_chunks(rows: Sequence[Recipient]) -> Iterator[Sequence[Recipient]]:
    """Cut rows into chunks, in their order. A row that is too large by itself is a chunk by itself."""
    start = 0
    while start < len(rows):
        chunk = rows[start : start + MOST_ROWS]
        while (size := len(pack_recipients(chunk))) > MOST_BYTES and len(chunk) > 1:
            chunk = chunk[: max(1, int(len(chunk) * _TIGHT * MOST_BYTES / size))]
        yield chunk
        start += len(chunk)
