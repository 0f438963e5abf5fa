"""The Firestore client: how long a call may take, what is sent again, and how its errors are translated."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from google.api_core.exceptions import Aborted, DeadlineExceeded, GoogleAPICallError, InternalServerError, RetryError, ServiceUnavailable
from google.api_core.retry import Retry, if_exception_type
from google.auth.exceptions import GoogleAuthError
from google.cloud.firestore import Client, CollectionReference, DocumentReference, DocumentSnapshot, Query

from fanfare.adapters.firestore.one_thread import OneThreadClient
from fanfare.config import Settings
from fanfare.domain.errors import Unavailable

Firestore = Client
COMMIT_SECONDS = 10.0
READ_SECONDS = 10.0
PROBE_SECONDS = 2.0
_TRANSIENT = if_exception_type(ServiceUnavailable, InternalServerError, DeadlineExceeded, Aborted)
# ResourceExhausted is left out: the emulator refuses a commit over 4 MiB with it, and sending that again for a minute helps nobody.
COMMIT_RETRY = Retry(predicate=_TRANSIENT, initial=0.1, maximum=1.0, multiplier=2.0, timeout=4.0)
READ_RETRY = COMMIT_RETRY
_ERRORS = (GoogleAPICallError, RetryError, GoogleAuthError)


def open_client(settings: Settings) -> Client:
    """Open the database of a deployment (or the emulator, which the client finds by its own environment variable)."""
    return OneThreadClient(project=settings.project, database=settings.firestore_database)


@contextmanager
def translated() -> Iterator[None]:
    """Turn Firestore's errors into Unavailable; the cause stays attached for the log."""
    try:
        yield
    except _ERRORS as error:
        raise Unavailable("Firestore does not answer.") from error


def read(reference: DocumentReference) -> DocumentSnapshot[Any]:
    """Read one document."""
    with translated():
        return reference.get(retry=READ_RETRY, timeout=READ_SECONDS)


def read_all(client: Client, references: Iterable[DocumentReference]) -> list[DocumentSnapshot[Any]]:
    """Read documents in one call, in the order asked for (the server answers in any)."""
    wanted = list(references)
    if not wanted:
        return []
    with translated():
        found = {snapshot.reference: snapshot for snapshot in client.get_all(wanted, retry=READ_RETRY, timeout=READ_SECONDS)}
    return [found[reference] for reference in wanted]


def read_fields(client: Client, references: Iterable[DocumentReference], fields: Iterable[str]) -> list[DocumentSnapshot[Any]]:
    """Read some fields of documents in one call, in any order: of the others there may be a lot."""
    wanted = list(references)
    if not wanted:
        return []
    with translated():
        return list(client.get_all(wanted, field_paths=list(fields), retry=READ_RETRY, timeout=READ_SECONDS))


def run_query(query: Query) -> list[DocumentSnapshot[Any]]:
    """Run a query to its end."""
    with translated():
        return list(query.stream(retry=READ_RETRY, timeout=READ_SECONDS))


def count_found(query: Query | CollectionReference, seconds: float = READ_SECONDS) -> int:
    """Have the database count what a query finds, by its index: a read for up to a thousand."""
    # The library's own types of aggregations are wrong.
    counting: Any = query.count()
    with translated():
        return int(counting.get(retry=READ_RETRY, timeout=seconds)[0][0].value)


def fields_of(snapshot: DocumentSnapshot[Any]) -> dict[str, Any] | None:
    """A document's fields; None if there is no such document."""
    return snapshot.to_dict() if snapshot.exists else None


def probe(client: Client) -> None:
    """Ask for a document that need not exist; Unavailable if Firestore does not answer in two seconds."""
    with translated():
        client.collection("meta").document("health").get(retry=None, timeout=PROBE_SECONDS)
