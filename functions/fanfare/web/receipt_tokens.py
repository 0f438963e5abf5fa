"""The tokens of messages in a body, by which an app without any other credential calls."""

from __future__ import annotations

from typing import Any, NamedTuple

from flask import Request

from fanfare.domain.receipts import MOST_RECEIPTS


class Presented(NamedTuple):
    """What a body shows: the id of a Firebase project, tokens of its tenant's messages, and the field that a refusal names, if any."""

    project: str
    tokens: tuple[str, ...]
    field: str | None = None


def read_presented(request: Request) -> Presented | None:
    """Read `project` with `receipt`, or with the tokens of `receipts`; whatever else a body holds is no credential."""
    content = request.get_json(silent=True)
    if not isinstance(content, dict) or not isinstance(project := content.get("project"), str):
        return None
    if isinstance(one := content.get("receipt"), str):
        return Presented(project, (one,))
    many = content.get("receipts")
    tokens = _tokens(many[:MOST_RECEIPTS]) if isinstance(many, list) else ()
    return Presented(project, tokens, "receipts.0.token") if tokens else None


def _tokens(entries: list[Any]) -> tuple[str, ...]:
    found = (entry.get("token") for entry in entries if isinstance(entry, dict))
    return tuple(token for token in found if isinstance(token, str))
