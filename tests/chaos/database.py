"""Firestore itself, asked over REST: which chunks there are, whatever the API says about them."""

from __future__ import annotations

from dataclasses import dataclass

import requests

from local.firebase import PROJECT

_TIMEOUT_SECONDS = 60.0
# The emulator takes this word for the owner's credential, whom no rule of the database concerns.
_OWNER = {"Authorization": "Bearer owner"}
_FINAL = frozenset({"done", "cancelled"})


@dataclass(frozen=True, slots=True)
class StoredChunk:
    """A chunk's document: where it is, its state, and how many calls claimed it."""

    path: str
    state: str
    claims: int

    @property
    def is_claimed(self) -> bool:
        """Whether a call has taken it and not put it down."""
        return self.state == "claimed"

    @property
    def is_open(self) -> bool:
        """Whether somebody must still work on it."""
        return self.state not in _FINAL


def read_chunks(firestore_host: str, *, timeout_seconds: float = _TIMEOUT_SECONDS) -> list[StoredChunk]:
    """Read every chunk of the database, in one query of the collection group. Raises requests.Timeout when there is no answer in time."""
    query = {
        "from": [{"collectionId": "chunks", "allDescendants": True}],
        "select": {"fields": [{"fieldPath": "state"}, {"fieldPath": "attempt"}]},
    }
    url = f"http://{firestore_host}/v1/projects/{PROJECT}/databases/(default)/documents:runQuery"
    response = requests.post(url, json={"structuredQuery": query}, headers=_OWNER, timeout=timeout_seconds)
    response.raise_for_status()
    found = [row["document"] for row in response.json() if "document" in row]
    return [
        StoredChunk(document["name"].partition("/documents/")[2], fields["state"]["stringValue"], int(fields["attempt"]["integerValue"]))
        for document in found
        for fields in [document["fields"]]
    ]
