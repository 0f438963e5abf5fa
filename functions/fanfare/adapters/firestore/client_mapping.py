"""API clients and their documents: plain fields, of which an operator may edit the limits by hand in the console."""

from __future__ import annotations

from typing import Any

from fanfare.domain.client import Client

VERSION = 1


def to_document(client: Client) -> dict[str, Any]:
    """Map a client."""
    return {
        "v": VERSION,
        "tenant": client.tenant,
        "name": client.name,
        "token_hash": client.token_hash,
        "scopes": sorted(client.scopes),
        "created_at": client.created_at,
        "expires_at": client.expires_at,
        "revoked_at": client.revoked_at,
        "limits": dict(client.limits),
        "ip_allowlist": list(client.ip_allowlist),
        "previous_token_hash": client.previous_token_hash,
        "previous_valid_until": client.previous_valid_until,
        "auto_rotate_days": client.auto_rotate_days,
        "last_used_at": client.last_used_at,
        "rotation_id": client.rotation_id,
        "defect": client.defect,
    }
