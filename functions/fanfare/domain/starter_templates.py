"""The templates that a new tenant begins with: those of the fcmpy daemon, so that its callers find what they had.

`default` words whatever names no template. A tenant may change, switch off or delete each of them; where it has deleted `default`, or is older than
the starters, the one built in here stands in for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from fanfare.domain.message import Priority
from fanfare.domain.template import Draft, Template, new_template
from fanfare.domain.template_text import Syntax

DEFAULT = "default"
MAKER = "fanfare"
"""Who is said to have created a starter."""


def _draft(title: str, body: str, priority: Priority) -> Draft:
    return Draft({"title": title, "body": body, "priority": priority.value}, syntax=Syntax.SINGLE)


STARTERS: Mapping[str, Draft] = {
    "call": _draft("Incoming call from {caller}", "Tap to open app", Priority.HIGH),
    "message": _draft("New message from {caller}", "{body}", Priority.NORMAL),
    "keepalive": _draft("Background sync", "Keeping connection alive", Priority.HIGH),
    DEFAULT: _draft("Notification", "{body}", Priority.NORMAL),
}
"""fcmpy's sample templates, by name."""
BUILT_IN_DEFAULT = new_template(DEFAULT, STARTERS[DEFAULT], created_by=MAKER, now=datetime(2026, 1, 1, tzinfo=UTC))


def starter_templates(now: datetime) -> Iterable[Template]:
    """The first versions of all starters."""
    return tuple(new_template(name, draft, created_by=MAKER, now=now) for name, draft in STARTERS.items())
