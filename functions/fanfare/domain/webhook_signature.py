"""The signature of a webhook, by the Standard Webhooks scheme (standardwebhooks.com), whose own packages verify it.

Signed are the event's id, the attempt's time and the exact bytes: `{id}.{seconds}.{body}`, HMAC-SHA256, one `v1,{base64}` for each secret.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode, b64encode
from collections.abc import Sequence
from datetime import datetime

from fanfare.domain.webhook import SECRET_PREFIX

MESSAGE_ID = "webhook-id"
TIMESTAMP = "webhook-timestamp"
SIGNATURE = "webhook-signature"


def sign(secrets: Sequence[str], event_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """Build the three headers by which an endpoint knows that a body is ours and fresh; one signature for each secret, apart by spaces."""
    seconds = str(int(at.timestamp()))
    signed = b"%s.%s.%s" % (event_id.encode("ascii"), seconds.encode("ascii"), body)
    signatures = " ".join(f"v1,{_mac(secret, signed)}" for secret in secrets)
    return {MESSAGE_ID: event_id, TIMESTAMP: seconds, SIGNATURE: signatures}


def _mac(secret: str, signed: bytes) -> str:
    key = b64decode(secret.removeprefix(SECRET_PREFIX) + "==")
    return b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode("ascii")
