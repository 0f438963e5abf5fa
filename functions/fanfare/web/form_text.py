"""The text of a urlencoded form: whatever the bytes are, it can be read, and costs no more than its length.

| what comes | is read as |
|---|---|
| a charset that is known (`CHARSETS`) | the form's, for raw and for percent-encoded bytes alike; any other, or none: UTF-8 |
| bytes that the charset does not have | U+FFFD each |
| a field twice | its first value |
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl

from fanfare.domain.errors import InvalidRequest

CHARSETS: Mapping[str, str] = {
    "iso-8859-1": "cp1252",
    "latin-1": "cp1252",
    "latin1": "cp1252",
    "windows-1252": "cp1252",
    "cp1252": "cp1252",
    "iso-8859-15": "iso-8859-15",
}
"""What is not read as UTF-8, and as what; Latin-1 means Windows-1252 on the web (encoding.spec.whatwg.org)."""
MOST_FIELDS = 64
_NOT_ASCII = re.compile(rb"[\x80-\xff]")


def parse_form(body: bytes, charset: str = "") -> dict[str, str]:
    """Read the fields of a urlencoded form; InvalidRequest if they are too many."""
    encoding = CHARSETS.get(charset.strip().lower(), "utf-8")
    text = _NOT_ASCII.sub(lambda found: b"%%%02X" % found[0][0], body).decode("ascii")
    try:
        pairs = parse_qsl(text, keep_blank_values=True, encoding=encoding, errors="replace", max_num_fields=MOST_FIELDS)
    except ValueError as error:
        raise InvalidRequest(f"The form has more than {MOST_FIELDS} fields.") from error
    fields: dict[str, str] = {}
    for name, value in pairs:
        fields.setdefault(name, value)
    return fields
