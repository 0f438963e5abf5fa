"""Everything else that the services need of the outside world, as Protocols."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

from fanfare.domain.brake import Tally
from fanfare.domain.chunk import ChunkKey, ChunkTask
from fanfare.domain.classification import Answer
from fanfare.domain.health import ComponentHealth, Vitals
from fanfare.domain.id_token import TokenSubject
from fanfare.domain.template_text import Syntax
from fanfare.domain.tenant import Tenant
from fanfare.domain.variables import Variables
from fanfare.domain.webhook_delivery import DeliveryKey
from fanfare.domain.webhook_replay import Replay


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

    def enqueue_chunks(self, tasks: Sequence[ChunkTask], request_id: str) -> int:
        """Ask for a call of `send` for each of many chunks, in its slot, behind whatever is direct; returns how many the queue took."""
        ...

    def enqueue_fanout(self, tenant: str, notification_id: str, request_id: str, due_at: datetime | None = None) -> bool:
        """Ask for a call of `fanout` that brings a notification of many chunks on; False as above."""
        ...

    def enqueue_compaction(self, tenant: str, request_id: str, due_at: datetime | None = None) -> bool:
        """Ask for a call of `fanout` that brings a tenant's audience up to date; False: the next rollup finds what has changed."""
        ...

    def enqueue_tally(self, tenant: str, request_id: str, after: str | None = None) -> bool:
        """Ask for a call of `fanout` that tallies a tenant's notifications, those after an id; False: the next rollup finds them."""
        ...

    def enqueue_receipts(self, request_id: str) -> bool:
        """Ask for a call of `fanout` that sums all tenants' receipts; False: the next rollup finds them."""
        ...

    def enqueue_recomputation(self, tenant: str, day: date, request_id: str, after: str | None = None) -> bool:
        """Ask for a call of `fanout` that recomputes a day's numbers, going on after a page; False: the queue refused or did not answer."""
        ...

    def enqueue_keepalive(self, tenant: str, request_id: str) -> bool:
        """Ask for a call of `fanout` that pings the next page of a tenant's devices; False: the next keepalive tick goes on."""
        ...

    def enqueue_cleanup(self, tenant: str, request_id: str) -> bool:
        """Ask for a call of `fanout` that removes what a tenant has kept for long enough; False: tomorrow's tick asks again."""
        ...

    def enqueue_topic_sync(self, tenant: str, device_ids: Sequence[str], request_id: str, due_at: datetime | None = None) -> bool:
        """Ask for a call of `fanout` that tells FCM what devices are subscribed to; False: the schedule tick finds them."""
        ...

    def enqueue_replay(self, replay: Replay, request_id: str) -> bool:
        """Ask for a call of `fanout` that replays a span of events to a webhook; False: the queue refused or did not answer."""
        ...

    def enqueue_webhook(self, key: DeliveryKey, request_id: str, due_at: datetime | None = None) -> bool:
        """Ask for a call of `webhook` that delivers an event to an endpoint; False: the sweep finds the delivery."""
        ...

    def enqueue_webhooks(self, keys: Sequence[DeliveryKey], request_id: str) -> Sequence[DeliveryKey]:
        """Ask for a call of `webhook` at once for each of many deliveries; returns those that the queue took, the sweep finds the others."""
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


class TemplateRenderer(Protocol):
    """The engine that fills in templates."""

    def render(self, text: str, syntax: Syntax, variables: Variables) -> str:
        """Fill in a text's variables, once: what they hold is never expanded. Time and memory are bounded, whatever the text is.

        BadTemplateText if it is no text of the template language, names a variable without a value, or grows too long.
        """
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


class IndexVersions(Protocol):
    """The versions of the secret that the keys of the tenants' blind indexes are derived from."""

    def newest_index_version(self) -> str:
        """The newest one at this moment; Unavailable if the secret can't be read."""
        ...


class AnswerWindow(Protocol):
    """What FCM answered this instance lately."""

    def recent(self, tenant: str, now: datetime) -> Sequence[Tally]:
        """The answers that count at `now`, the latest pass last."""
        ...

    def add(self, tenant: str, tally: Tally) -> None:
        """Remember the answers of a pass whose results are stored: those of one that failed come in again."""
        ...

    def forget(self, tenant: str) -> None:
        """Begin anew: what was seen has been judged."""
        ...


class CallAuthenticator(Protocol):
    """Who may call the internal functions."""

    def authenticate(self, function: str, bearer: str) -> None:
        """Raise Unauthenticated unless the token is a valid one for this function, Forbidden unless its account may call it."""
        ...


class UserAuthenticator(Protocol):
    """Who the users of the tenants' apps are: Firebase Authentication."""

    def identify(self, token: str) -> TokenSubject:
        """Raise Unauthenticated unless the text is a valid ID token of some Firebase project, Unavailable if its signature can't be checked now."""
        ...


class Lifecycle(Protocol):
    """How long this instance lives."""

    def is_stopping(self) -> bool:
        """Tell whether the instance was asked to end: what is not begun should be left to another one."""
        ...

    def threads(self) -> int:
        """How many requests the instance handles at a time."""
        ...


class Instance(Protocol):
    """The instance that we run in, as its operating system sees it."""

    def vitals(self) -> Vitals:
        """How it is now."""
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
