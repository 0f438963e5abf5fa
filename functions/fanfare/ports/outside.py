"""Everything else that the services need of the outside world, as Protocols."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from fanfare.domain.brake import Tally
from fanfare.domain.chunk import ChunkKey
from fanfare.domain.classification import Answer
from fanfare.domain.health import ComponentHealth
from fanfare.domain.tenant import Tenant


class Clock(Protocol):
    """The only source of the time."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        ...


class Identifiers(Protocol):
    """The only source of randomness."""

    def new_id(self) -> str:
        """An id of 22 base64url characters (128 random bits)."""
        ...

    def jitter(self) -> float:
        """A random number from 0 to 1."""
        ...

    def new_secret(self) -> str:
        """A secret of 43 base64url characters (256 random bits)."""
        ...


class TaskQueue(Protocol):
    """Cloud Tasks: nudges that carry an id."""

    def enqueue_send(self, key: ChunkKey, request_id: str, due_at: datetime | None = None) -> bool:
        """Ask for a call of `send`. False: the queue refused or did not answer; the sweep will find the chunk."""
        ...


class PushSender(Protocol):
    """FCM."""

    def send(self, tenant: Tenant, bodies: Iterable[tuple[str, bytes]]) -> Iterator[Sequence[tuple[str, Answer]]]:
        """Post messages (key, JSON body) over one multiplexed connection and yield (key, answer) in the order in which answers arrive.

        They come in batches, at least one a second even if it is empty, so that the caller can keep its lease. Raises Unavailable if no access
        token for the tenant's project can be had now, CredentialRefused if Google refuses the tenant's credential.
        """
        ...

    def renew(self, tenant: Tenant) -> None:
        """Forget the tenant's access token: the next send gets a new one."""
        ...


class ReceiptKeys(Protocol):
    """The keys that receipts are signed with."""

    def receipt_key(self, tenant: str) -> bytes:
        """The tenant's key; Unavailable if the secret can't be read."""
        ...


class CursorKeys(Protocol):
    """The key that list cursors are signed with."""

    def cursor_key(self) -> bytes:
        """The deployment's key; Unavailable if the secret can't be read."""
        ...


class AnswerWindow(Protocol):
    """What FCM answered this instance lately."""

    def add(self, tenant: str, tally: Tally) -> Sequence[Tally]:
        """Add a pass's answers and return all that count at its time, the new ones last."""
        ...

    def forget(self, tenant: str) -> None:
        """Begin anew: what was seen has been judged."""
        ...


class CallAuthenticator(Protocol):
    """Who may call the internal functions."""

    def authenticate(self, function: str, bearer: str) -> None:
        """Raise Unauthenticated unless the token is a valid one for this function, Forbidden unless its account may call it."""
        ...


class Lifecycle(Protocol):
    """How long this instance lives."""

    def is_stopping(self) -> bool:
        """Tell whether the instance was asked to end: what is not begun should be left to another one."""
        ...


class HealthProbe(Protocol):
    """How the things that we depend on are."""

    def check(self) -> Mapping[str, ComponentHealth]:
        """The last known state of each component; at most ten seconds old where the component answers."""
        ...


class Log(Protocol):
    """Structured logging; a value logged here is never a target, a token or a body."""

    def info(self, event: str, **fields: object) -> None:
        """Record something that happened as it should."""
        ...

    def warning(self, event: str, **fields: object) -> None:
        """Record something that an operator may want to look at."""
        ...

    def error(self, event: str, error: BaseException) -> None:
        """Record what nobody foresaw: its type and where it was raised, never its text, which may hold a body."""
        ...
