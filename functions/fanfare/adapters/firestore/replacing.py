"""A batch that replaces whole documents where nobody else has written since.

The client's own guarded `update` deep-copies its fields and names each of them in a mask: for a document that is written as a whole, once for every
five hundred messages, that is half of what the commit costs (docs/performance.md). Its `set` takes no guard.
"""

from __future__ import annotations

from typing import Any

from google.cloud.firestore import DocumentReference, WriteBatch, WriteOption


class ReplacingBatch(WriteBatch):
    """Writes to be committed together, some of which replace a document."""

    def replace(self, reference: DocumentReference, fields: dict[str, Any], guard: WriteOption) -> None:
        """Add that a document becomes just these fields, if the guard lets it."""
        self.set(reference, fields)
        guard.modify_write(self._write_pbs[-1])
