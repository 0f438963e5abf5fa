"""A service account as Google's console downloads it, with a key that was made for these tests and belongs to nobody."""

from __future__ import annotations

import base64
import textwrap
from typing import Any

_DER = bytes.fromhex("308204bd020100300d06092a864886f70d0101010500048204a7") + bytes(range(256)) * 4


def pem(label: str = "PRIVATE KEY", der: bytes = _DER) -> str:
    """A key's text: of the right form, and no key."""
    lines = "\n".join(textwrap.wrap(base64.b64encode(der).decode("ascii"), 64))
    return f"-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n"


def a_service_account(project: str = "acme-app", **fields: Any) -> dict[str, Any]:
    """An account of a project; a field that is None is left out."""
    usual: dict[str, Any] = {
        "type": "service_account",
        "project_id": project,
        "private_key_id": "key-1",
        "private_key": pem(),
        "client_email": f"firebase-adminsdk@{project}.iam.gserviceaccount.com",
        "client_id": "1",
        "token_uri": "https://oauth2.googleapis.com/token",
    }
    return {name: value for name, value in (usual | fields).items() if value is not None}
