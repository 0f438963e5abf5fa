"""Every way a request can be refused, as exceptions that carry facts and never text to be parsed back.

FanfareError
├── InvalidRequest      the caller's input is wrong; names the fields
│   └── DuplicateRecipient   a message of many reaches a device that an earlier one reaches already
├── Unauthenticated     no valid credential
├── Forbidden           a valid credential without the right
├── NotFound            no such thing for this tenant
├── Conflict            the request contradicts what is stored
│   ├── TemplateInactive     the template that it names is switched off
│   ├── TemplateBroken       the template that it names was edited by hand and is none any more
│   ├── SegmentBroken        the saved segment that it names was edited by hand and means nobody any more
│   ├── WebhookInactive      the webhook that is to be posted to is switched off
│   └── TooManyWebhooks      the tenant has as many webhooks as it may have
├── RateLimited         the caller has used up its minute
└── Unavailable         something we depend on does not answer; try again later
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from fanfare.domain.limits import Usage


@dataclass(frozen=True, slots=True)
class FieldError:
    """One wrong field: `field` is its dotted path in the request, `message` says what is wrong with it."""

    field: str
    message: str

    def __str__(self) -> str:
        """As it stands in a refusal's sentence."""
        return f"{self.field}: {self.message}"


class FanfareError(Exception):
    """A refusal with a permanent public `code` (snake_case) and a sentence for people.

    Never raised itself: each subclass has one row in `web/problems.py` and one in `docs/errors.md`.
    """

    code = "error"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class InvalidRequest(FanfareError):
    """The request's content is wrong; `errors` names each field."""

    code = "invalid_request"

    def __init__(self, detail: str, errors: tuple[FieldError, ...] = ()) -> None:
        super().__init__(detail)
        self.errors = errors

    @classmethod
    def at(cls, field: str, message: str) -> InvalidRequest:
        """Refuse one field."""
        return cls.of((FieldError(field, message),))

    @classmethod
    def of(cls, errors: Iterable[FieldError]) -> InvalidRequest:
        """Refuse several fields."""
        found = tuple(errors)
        return cls("; ".join(map(str, found)), found)


class DuplicateRecipient(InvalidRequest):
    """A message of many reaches a device that an earlier message of the same request reaches; one notification reaches a device once."""

    code = "duplicate_recipient"


class Unauthenticated(FanfareError):
    """No credential, an unknown one or an expired one: never told apart to the caller. `errors` names the field where the body holds it."""

    code = "unauthenticated"

    def __init__(self, detail: str, errors: tuple[FieldError, ...] = ()) -> None:
        super().__init__(detail)
        self.errors = errors

    @classmethod
    def at(cls, field: str, message: str) -> Unauthenticated:
        """Refuse what a field of the body is to prove."""
        error = FieldError(field, message)
        return cls(str(error), (error,))


class Forbidden(FanfareError):
    """The credential is good and lacks the right; `scope` is what was missing."""

    code = "forbidden"

    def __init__(self, detail: str, scope: str = "") -> None:
        super().__init__(detail)
        self.scope = scope


class NotFound(FanfareError):
    """There is no such object in the caller's tenant (another tenant's object answers the same)."""

    code = "not_found"

    @classmethod
    def of(cls, kind: str) -> NotFound:
        """The one answer for a thing that is not there, was deleted, or belongs to somebody else: nobody can tell one from the other."""
        return cls(f"There is no such {kind}.")


class Conflict(FanfareError):
    """The request contradicts what is stored."""

    code = "conflict"


class TemplateInactive(Conflict):
    """The template that the request names is switched off."""

    code = "template_inactive"


class TemplateBroken(Conflict):
    """The template that the request names was edited by hand and can't be used; its document says why, in `defect`."""

    code = "template_broken"


class SegmentBroken(Conflict):
    """The saved segment that the request names was edited by hand and can't be used; its document says why, in `defect`."""

    code = "segment_broken"


class WebhookInactive(Conflict):
    """The webhook that something is to be posted to is inactive."""

    code = "webhook_inactive"


class TooManyWebhooks(Conflict):
    """The tenant has as many webhooks as it may have."""

    code = "too_many_webhooks"


class IdempotencyMismatch(Conflict):
    """The Idempotency-Key was used with another body."""

    code = "idempotency_mismatch"


class IdempotencyInProgress(Conflict):
    """The first request with this Idempotency-Key has not finished yet; `retry_after_seconds` says when to ask again."""

    code = "idempotency_in_progress"

    def __init__(self, detail: str, retry_after_seconds: int = 1) -> None:
        super().__init__(detail)
        self.retry_after_seconds = retry_after_seconds


class RateLimited(FanfareError):
    """The caller has used up its requests of this minute; `usage` says of how many, and when the next minute begins."""

    code = "rate_limited"

    def __init__(self, usage: Usage) -> None:
        super().__init__(f"More than {usage.limit} requests of the group {usage.group} in a minute; try again in {usage.reset_seconds} s.")
        self.usage = usage
        self.retry_after_seconds = usage.reset_seconds


class Unavailable(FanfareError):
    """Firestore, Secret Manager or Cloud Tasks does not answer; `retry_after_seconds` says when to ask again."""

    code = "unavailable"

    def __init__(self, detail: str, retry_after_seconds: int = 5) -> None:
        super().__init__(detail)
        self.retry_after_seconds = retry_after_seconds


class CredentialRefused(Exception):
    """Google refuses a tenant's credential; `code` is its own word for it. Never seen by a caller of the API: what is to be sent is parked."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code
