"""Tokens by which an app listens in Firestore, as the API shows them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fanfare.domain.stream_token import StreamToken
from fanfare.web.instants import show_time
from fanfare.web.schema import Out


class StreamTokenOut(Out):
    """What `signInWithCustomToken` takes, and where: the Firebase project and the database that the app is to open.

    The token and whatever it opens end at `expires_at`.
    """

    token: str
    expires_at: datetime
    project_id: str
    database: str


def show_stream_token(minted: StreamToken) -> dict[str, Any]:
    """A token."""
    return {
        "token": minted.custom.token,
        "expires_at": show_time(minted.expires_at),
        "project_id": minted.custom.project_id,
        "database": minted.custom.database,
    }
