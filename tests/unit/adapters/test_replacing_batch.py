"""`ReplacingBatch` beside the client's own batch: the same writes, made directly."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import pytest
from google.api_core.datetime_helpers import DatetimeWithNanoseconds
from google.auth.credentials import AnonymousCredentials
from google.cloud.firestore import SERVER_TIMESTAMP, Client, Increment, WriteBatch
from google.protobuf.timestamp_pb2 import Timestamp

from fanfare.adapters.firestore.replacing import ReplacingBatch
from fanfare.adapters.firestore.values import encode_fields

FIRESTORE = Client(project="parity", credentials=AnonymousCredentials())  # type: ignore[no-untyped-call]
REFERENCE = FIRESTORE.document("tenants/t1/things/a.b")
READ_AT = DatetimeWithNanoseconds.from_timestamp_pb(Timestamp(seconds=1_790_000_000, nanos=123_456_789))  # type: ignore[no-untyped-call]


class Colour(StrEnum):
    RED = "red"


FIELDS: dict[str, Any] = {
    "nothing": None, "yes": True, "no": False, "number": 2**62, "negative": -1, "share": 0.25, "text": "Grüße", "kind": Colour.RED, "blob": b"\x00",
    "at": datetime(2026, 11, 24, 12, 30, 15, 123_456, tzinfo=UTC), "read_at": READ_AT, "list": [1, "two", {"three": [3.0]}], "tuple": ("a", None),
    "map": {"ä": 1, "a.b": {"c": None}}, "empty": {}, "none": [],
}  # fmt: skip
GUARD = FIRESTORE.write_option(last_update_time=READ_AT)


def writes_of(batch: WriteBatch) -> list[Any]:
    return [type(write).pb(write) for write in batch._write_pbs]


def test_a_creation_is_the_clients_own() -> None:
    ours, theirs = ReplacingBatch(FIRESTORE), FIRESTORE.batch()
    for batch in (ours, theirs):
        batch.create(REFERENCE, {**FIELDS, "updated_at": SERVER_TIMESTAMP})
    assert writes_of(ours) == writes_of(theirs)


@pytest.mark.parametrize("guard", [GUARD, None])
def test_an_update_is_the_clients_own(guard: Any) -> None:
    ours, theirs = ReplacingBatch(FIRESTORE), FIRESTORE.batch()
    for batch in (ours, theirs):
        batch.update(REFERENCE, dict(sorted({**FIELDS, "updated_at": SERVER_TIMESTAMP}.items())), guard)
    assert writes_of(ours) == writes_of(theirs)


def test_a_replacement_is_a_guarded_set() -> None:
    ours, theirs = ReplacingBatch(FIRESTORE), FIRESTORE.batch()
    ours.replace(REFERENCE, FIELDS, GUARD)
    theirs.set(REFERENCE, FIELDS)
    GUARD.modify_write(theirs._write_pbs[0])
    assert writes_of(ours) == writes_of(theirs)


def test_a_merge_is_the_clients_own() -> None:
    ours, theirs = ReplacingBatch(FIRESTORE), FIRESTORE.batch()
    ours.merge(REFERENCE, {"stage": 0, "v": 1}, {("done",): 1, ("errors", "HTTP.1"): 2, ("platforms", "ios", "sent"): -3})
    numbers = {"done": Increment(1), "errors": {"HTTP.1": Increment(2)}, "platforms": {"ios": {"sent": Increment(-3)}}}
    theirs.set(REFERENCE, {"stage": 0, "v": 1, **numbers}, merge=True)
    assert writes_of(ours) == writes_of(theirs)


@pytest.mark.parametrize("value", [object(), {1}, Increment(1)])
def test_a_value_that_no_document_holds_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="no value of a document"):
        encode_fields({"x": [value]})


def test_an_updated_field_is_named_and_not_addressed() -> None:
    with pytest.raises(ValueError, match="no simple one"):
        ReplacingBatch(FIRESTORE).update(REFERENCE, {"a.b": 1})
