"""Which web pages the tenants let call the API, found by the page: a preflight names no tenant."""

from __future__ import annotations

from google.cloud.firestore import Client as Firestore
from google.cloud.firestore import FieldFilter

from fanfare.adapters.expiring import ExpiringCache
from fanfare.adapters.firestore.client import run_query
from fanfare.ports import Clock


class FirestoreOriginStore:
    """`cors_origins` of `tenants/{t}`; cached for 60 seconds, an origin that nobody lists as well."""

    def __init__(self, firestore: Firestore, clock: Clock) -> None:
        self._firestore = firestore
        self._cache = ExpiringCache(clock, self._load)

    def is_listed(self, origin: str) -> bool:
        """Tell whether a tenant, whichever, lists this origin; answers may be up to 60 seconds old."""
        return self._cache.get(origin)

    def _load(self, origin: str) -> bool:
        query = self._firestore.collection("tenants").where(filter=FieldFilter("cors_origins", "array_contains", origin))
        return bool(run_query(query.select([]).limit(1)))
