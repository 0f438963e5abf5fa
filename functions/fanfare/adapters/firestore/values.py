"""Fields as Firestore's own messages, built directly.

The client library makes a wrapper object for each value on its way, which takes four times as long (docs/performance.md).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from google.api_core.datetime_helpers import DatetimeWithNanoseconds
from google.cloud.firestore_v1.types import ArrayValue, MapValue, Value
from google.protobuf.timestamp_pb2 import Timestamp

_VALUE, _MAP, _ARRAY = Value.pb(), MapValue.pb(), ArrayValue.pb()


def encode_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Encode a document's fields, or a map's. TypeError for a value that none of our documents holds."""
    return {name: encode_value(value) for name, value in fields.items()}


def encode_value(value: Any) -> Any:  # noqa: ANN401 - whatever a document holds; the messages have no static types
    """Encode one value."""
    if value is None:
        return _VALUE(null_value=0)
    encode = _ENCODERS.get(type(value)) or next((encode for kind, encode in _ENCODERS.items() if isinstance(value, kind)), None)
    if encode is None:
        raise TypeError(f"{type(value).__name__} is no value of a document")
    return encode(value)


def _timestamp(value: datetime) -> Any:  # noqa: ANN401 - see above
    stamp = Timestamp()
    stamp.FromDatetime(value)
    return _VALUE(timestamp_value=stamp)


# The order matters where a type is another one's kind: a truth value is an integer, a time as it was read is a time.
_ENCODERS: Mapping[type, Callable[[Any], Any]] = {
    str: lambda value: _VALUE(string_value=value),
    bool: lambda value: _VALUE(boolean_value=value),
    int: lambda value: _VALUE(integer_value=value),
    float: lambda value: _VALUE(double_value=value),
    bytes: lambda value: _VALUE(bytes_value=value),
    DatetimeWithNanoseconds: lambda value: _VALUE(timestamp_value=value.timestamp_pb()),
    datetime: _timestamp,
    dict: lambda value: _VALUE(map_value=_MAP(fields=encode_fields(value))),
    list: lambda value: _VALUE(array_value=_ARRAY(values=[encode_value(element) for element in value])),
    tuple: lambda value: _VALUE(array_value=_ARRAY(values=[encode_value(element) for element in value])),
}
