"""API clients in Firestore: top-level, because a request knows its Client-ID before its tenant."""

from __future__ import annotations

from typing import Any

from google.cloud.firestore import Client as Firestore

from fanfare.adapters.expiring import ExpiringCache
from fanfare.adapters.firestore.client import fields_of, read
from fanfare.adapters.firestore.commits import WRITE_ID, commit_guarded
from fanfare.domain.client import Client, Scope
from fanfare.domain.errors import Conflict
from fanfare.domain.identifiers import is_identifier
from fanfare.ports import Clock, Identifiers

VERSION = 1


class FirestoreClientStore:
    """`clients/{client_id}`, cached for 60 seconds; an unknown id is cached as well, or guessing would cost a read each."""

    def __init__(self, firestore: Firestore, clock: Clock, identifiers: Identifiers) -> None:
        self._firestore = firestore
        self._identifiers = identifiers
        self._cache = ExpiringCache(clock, self._load)

    def get(self, client_id: str) -> Client | None:
        """Find a client; answers may be up to 60 seconds old."""
        return self._cache.get(client_id) if is_identifier(client_id) else None

    def create(self, client: Client) -> None:
        """Store a new client; Conflict if its id is taken."""
        reference = self._firestore.collection("clients").document(client.id)
        write_id = self._identifiers.new_id()
        batch = self._firestore.batch()
        batch.create(reference, {**to_document(client), WRITE_ID: write_id})
        if commit_guarded(batch, reference, write_id) is None:
            raise Conflict("This client id is taken.")
        self._cache.forget(client.id)

    def _load(self, client_id: str) -> Client | None:
        fields = fields_of(read(self._firestore.collection("clients").document(client_id)))
        return from_document(client_id, fields) if fields else None


def to_document(client: Client) -> dict[str, Any]:
    """Map a client to its document."""
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
    }


def from_document(client_id: str, fields: dict[str, Any]) -> Client:
    """Map a document to a client; a scope that a newer version knows is left out."""
    known = {scope.value for scope in Scope}
    return Client(
        id=client_id,
        tenant=fields["tenant"],
        name=fields["name"],
        token_hash=fields["token_hash"],
        scopes=frozenset(Scope(scope) for scope in fields["scopes"] if scope in known),
        created_at=fields["created_at"],
        expires_at=fields["expires_at"],
        revoked_at=fields["revoked_at"],
        limits=fields["limits"],
    )
