"""A batch whose writes are encoded directly, and that replaces a document where nobody else has written since.

The client's own guarded `update` deep-copies its fields, and every value goes through a wrapper object: for a chunk's document, written twice for
every few hundred messages, and for the thousands of a bulk registration, that is half of what the commit costs (docs/performance.md). Its `set`
takes no guard.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from google.cloud.firestore import SERVER_TIMESTAMP, WriteBatch, WriteOption
from google.cloud.firestore_v1.base_document import BaseDocumentReference
from google.cloud.firestore_v1.field_path import FieldPath
from google.cloud.firestore_v1.types import Document, DocumentTransform, Write

from fanfare.adapters.firestore.values import encode_fields, encode_value

_WRITE, _DOCUMENT = Write.pb(), Document.pb()
_REQUEST_TIME = DocumentTransform.FieldTransform.ServerValue.REQUEST_TIME


class ReplacingBatch(WriteBatch):
    """Writes to be committed together. Fields are named, not addressed by paths; of the client's sentinels they hold SERVER_TIMESTAMP alone."""

    def create(self, reference: BaseDocumentReference, document_data: Mapping[str, Any]) -> None:
        """Add that a document is created, if there is none."""
        self._write(reference, document_data).current_document.exists = False

    def update(self, reference: BaseDocumentReference, field_updates: Mapping[str, Any], option: WriteOption | None = None) -> None:
        """Add that these fields of a document are replaced, if the guard lets it; without one, if there is the document."""
        write = self._write(reference, field_updates)
        _mask(write, field_updates)
        if option is None:
            write.current_document.exists = True
        else:
            option.modify_write(self._write_pbs[-1])

    def replace(self, reference: BaseDocumentReference, fields: Mapping[str, Any], guard: WriteOption) -> None:
        """Add that a document becomes just these fields, if the guard lets it."""
        self._write(reference, fields)
        guard.modify_write(self._write_pbs[-1])

    def merge(self, reference: BaseDocumentReference, fields: Mapping[str, Any], numbers: Mapping[tuple[str, ...], int]) -> None:
        """Add that a document, which need not exist, gets these fields, and that the numbers at these paths are raised.

        The answer says what each of them came to, in the order that they are given in.
        """
        write = self._write(reference, fields)
        _mask(write, fields)
        for path, number in numbers.items():
            write.update_transforms.add(field_path=FieldPath(*path).to_api_repr(), increment=encode_value(number))

    def _write(self, reference: BaseDocumentReference, fields: Mapping[str, Any]) -> Any:  # noqa: ANN401 - the messages have no static types
        path = reference._document_path  # noqa: SLF001 - as the client's own batches do; the public `path` lacks the database
        stamped = [name for name, value in fields.items() if value is SERVER_TIMESTAMP]
        known = {name: value for name, value in fields.items() if value is not SERVER_TIMESTAMP} if stamped else fields
        write = _WRITE(update=_DOCUMENT(name=path, fields=encode_fields(known)))
        for name in stamped:
            write.update_transforms.add(field_path=name, set_to_server_value=_REQUEST_TIME)
        self._document_references[path] = reference
        self._add_write_pbs([Write.wrap(write)])
        return write


def _mask(write: Any, fields: Mapping[str, Any]) -> None:  # noqa: ANN401 - see above
    """Name the fields that a write is about: those that the server stamps are not among them."""
    names = [name for name, value in fields.items() if value is not SERVER_TIMESTAMP]
    if not all(map(str.isidentifier, names)):
        raise ValueError(f"A field's name is no simple one: {names}")
    write.update_mask.field_paths.extend(names)
