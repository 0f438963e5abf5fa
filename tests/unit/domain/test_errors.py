"""Refusals: what each carries, and that no two share a public code."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fanfare.domain import errors
from fanfare.domain.errors import (
    CredentialRefused,
    FanfareError,
    FieldError,
    Forbidden,
    IdempotencyInProgress,
    InvalidRequest,
    RateLimited,
    Unauthenticated,
    Unavailable,
)
from fanfare.domain.limits import LimitGroup, Usage


def descendants(parent: type[FanfareError]) -> Iterator[type[FanfareError]]:
    for child in parent.__subclasses__():
        yield child
        yield from descendants(child)


PUBLIC = [error for error in descendants(FanfareError) if error.__module__ == errors.__name__]


def test_each_error_keeps_the_code_that_callers_know() -> None:
    assert {error.__name__: error.code for error in PUBLIC} == {
        "InvalidRequest": "invalid_request",
        "DuplicateRecipient": "duplicate_recipient",
        "Unauthenticated": "unauthenticated",
        "Forbidden": "forbidden",
        "NotFound": "not_found",
        "Conflict": "conflict",
        "TemplateInactive": "template_inactive",
        "TemplateBroken": "template_broken",
        "SegmentBroken": "segment_broken",
        "IdempotencyMismatch": "idempotency_mismatch",
        "IdempotencyInProgress": "idempotency_in_progress",
        "RateLimited": "rate_limited",
        "Unavailable": "unavailable",
        "WebhookInactive": "webhook_inactive",
        "TooManyWebhooks": "too_many_webhooks",
    }


@pytest.mark.parametrize("error", [error for error in PUBLIC if error is not RateLimited])
def test_detail_is_the_sentence_for_people(error: type[FanfareError]) -> None:
    refusal = error("The shop is closed.")
    assert refusal.detail == str(refusal) == "The shop is closed."


def test_refused_field_is_named_as_a_fact_and_in_the_sentence() -> None:
    refusal = InvalidRequest.at("to.topic", "is too long")
    assert refusal.errors == (FieldError("to.topic", "is too long"),)
    assert refusal.detail == "to.topic: is too long"


def test_credential_in_a_body_is_named_by_its_field() -> None:
    refusal = Unauthenticated.at("receipts.0.token", "is not valid")
    assert refusal.errors == (FieldError("receipts.0.token", "is not valid"),)
    assert refusal.detail == "receipts.0.token: is not valid"
    assert Unauthenticated("No credential.").errors == ()


def test_refusal_without_a_field_names_none() -> None:
    assert InvalidRequest("The body is not valid JSON.").errors == ()


def test_forbidden_names_the_missing_scope() -> None:
    assert Forbidden("No.", "send").scope == "send"
    assert Forbidden("No.").scope == ""


@pytest.mark.parametrize(("error", "usual"), [(Unavailable, 5), (IdempotencyInProgress, 1)])
def test_passing_trouble_says_when_to_ask_again(error: type[Unavailable | IdempotencyInProgress], usual: int) -> None:
    assert error("Later.").retry_after_seconds == usual
    assert error("Later.", retry_after_seconds=30).retry_after_seconds == 30


def test_refused_credential_is_no_answer_to_a_caller() -> None:
    refusal = CredentialRefused("invalid_grant")
    assert refusal.code == str(refusal) == "invalid_grant"
    assert not isinstance(refusal, FanfareError)


def test_spent_limit_is_told_with_the_seconds_to_wait() -> None:
    refusal = RateLimited(Usage(allowed=False, group=LimitGroup.SEND, limit=100, remaining=0, reset_seconds=17))
    assert refusal.retry_after_seconds == 17
    assert refusal.detail == "More than 100 requests of the group send in a minute; try again in 17 s."
