"""What the fields of a webhook may hold, and what a change makes of it; of its URL `endpoint_address.py` says what may be an endpoint."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from fanfare.domain.errors import FieldError, InvalidRequest
from fanfare.domain.event import LISTENABLE, EventKind
from fanfare.domain.webhook import LONGEST_DESCRIPTION, Webhook, WebhookReason

DESCRIPTION_PATTERN = r"^[^\x00-\x1f\x7f]*$"
KINDS = tuple(sorted(kind.value for kind in LISTENABLE))
_DESCRIPTION = re.compile(DESCRIPTION_PATTERN.removesuffix("$") + r"\Z")


def read_events(names: Sequence[str]) -> frozenset[EventKind]:
    """At least one kind of events; InvalidRequest names each that nobody can listen to, as `events.N`."""
    if not names or len(names) > len(KINDS):
        raise InvalidRequest.at("events", f"must be a list of 1 to {len(KINDS)} kinds of events")
    unknown = [FieldError(f"events.{index}", f"must be one of {', '.join(KINDS)}") for index, name in enumerate(names) if name not in KINDS]
    if unknown:
        raise InvalidRequest.of(unknown)
    return frozenset(EventKind(name) for name in names)


def read_description(text: str) -> str:
    """A line for people, or none; InvalidRequest at `description`."""
    if len(text) > LONGEST_DESCRIPTION or _DESCRIPTION.match(text) is None:
        raise InvalidRequest.at("description", f"must have at most {LONGEST_DESCRIPTION} characters, none of them a control character")
    return text


def host_of(url: str) -> str:
    """The host that a URL names: all that is told of it elsewhere, because the rest may hold a secret. Empty if it names none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def changed_webhook(webhook: Webhook, given: Mapping[str, Any], now: datetime) -> Webhook | None:
    """Change what is given (`url`, `events`, `description` and `active`, each as it is kept); None if that changes nothing.

    Whoever says that it is active begins anew: what made it inactive, and the failures so far, are forgotten.
    """
    fields = {name: given[name] for name in ("url", "events", "description") if name in given}
    if given.get("active") is True:
        fields |= {"active": True, "inactive_reason": None, "failure_count": 0, "failing_since": None}
    elif given.get("active") is False and webhook.active:
        fields |= {"active": False, "inactive_reason": WebhookReason.BY_CALLER}
    after = replace(webhook, **fields)
    return replace(after, updated_at=now) if after != webhook else None
