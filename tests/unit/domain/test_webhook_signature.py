"""The signature: what its scheme's own package verifies, by the new secret and, while it is being rotated, by the old one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError

from fanfare.domain.webhook import format_secret, signing_secrets
from fanfare.domain.webhook_signature import sign
from tests.factories import NOW, a_webhook

NEW, OLD, OTHER = (format_secret(bytes([number]) * 32) for number in (1, 2, 3))
BODY = '{"type":"notification.completed","data":{"name":"Zürich 🎉"}}'.encode()


def _now() -> datetime:
    # The package looks at the machine's clock.
    return datetime.now(UTC)


def _verifies(secret: str, headers: dict[str, str], body: bytes = BODY) -> bool:
    try:
        Verifier(secret).verify(body, headers, json_parse=False)
    except WebhookVerificationError:
        return False
    return True


def test_signature_is_the_one_of_the_schemes_specification() -> None:
    at = datetime.fromtimestamp(1614265330, UTC)
    headers = sign(["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"], "msg_p5jXN8AQM9LWM0D4loKWxJek", at, b'{"test": 2432232314}')
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_receiver_verifies_by_the_one_secret() -> None:
    headers = sign([NEW], "event-1", _now(), BODY)
    assert _verifies(NEW, headers)
    assert not _verifies(OTHER, headers)
    assert not _verifies(NEW, headers, BODY + b" ")
    assert not _verifies(NEW, {**headers, "webhook-id": "event-2"})


def test_receiver_verifies_by_either_secret_while_they_are_rotated() -> None:
    headers = sign([NEW, OLD], "event-1", _now(), BODY)
    assert headers["webhook-signature"].count("v1,") == 2
    assert (_verifies(NEW, headers), _verifies(OLD, headers), _verifies(OTHER, headers)) == (True, True, False)


@pytest.mark.parametrize(("after", "expected"), [(timedelta(hours=1), (NEW,)), (timedelta(hours=-1), (NEW, OLD))])
def test_previous_secret_signs_until_its_time_is_over(after: timedelta, expected: tuple[str, ...]) -> None:
    webhook = a_webhook(secret=NEW, previous_secret=OLD, previous_valid_until=NOW)
    assert signing_secrets(webhook, NOW + after) == expected


@given(st.binary(min_size=24, max_size=64), st.text(max_size=200))
def test_any_secret_and_any_body_are_verified(key: bytes, text: str) -> None:
    body = text.encode("utf-8", "replace")
    assert _verifies(format_secret(key), sign([format_secret(key)], "event-1", _now(), body), body)
