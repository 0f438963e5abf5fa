"""Bodies that are no JSON object, or none that may be let in."""

from __future__ import annotations

MALFORMED = {
    "nothing": b"",
    "half an object": b'{"to": {"topic"',
    "two values": b"{} {}",
    "NaN": b'{"to": {"topic": "news"}, "badge": NaN}',
    "infinity": b'{"to": {"topic": "news"}, "badge": -Infinity}',
    "single quotes": b"{'to': 1}",
    "trailing comma": b'{"to": {"topic": "news"},}',
    "lone surrogate": b'{"to": {"topic": "news"}, "title": "\\ud800"}',
    "lone surrogate as a name": b'{"to": {"topic": "news"}, "\\udfff": 1}',
    "no UTF-8": b'{"title": "\xff\xfe"}',
    "control character": b'{"title": "a\x00b"}',
    "deep arrays": b"[" * 10_000 + b"]" * 10_000,
    "deep objects": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "deep and open": b'{"data":' * 20_000,
    "an array": b"[]",
    "a text": b'"{}"',
    "a number": b"1",
    "null": b"null",
    "a huge number": b'{"badge": ' + b"9" * 5_000 + b"}",
}
