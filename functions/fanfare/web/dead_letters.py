"""`/dead-letters`: what failed for good, and sending it again."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from flask import Response, jsonify
from pydantic import Field, RootModel

from fanfare.domain.client import Scope
from fanfare.domain.dead_letter import AnyLetter, DeadLetter, DeadLetterKind, WebhookLetter
from fanfare.domain.filters import DeadLetterFilter
from fanfare.domain.limits import LimitGroup
from fanfare.services.dead_letters import get_dead_letter, replay_dead_letter
from fanfare.services.list_pages import list_dead_letters
from fanfare.services.perform_once import HttpAnswer
from fanfare.web.gate import authorized, call, deps
from fanfare.web.instants import Instant, show_time
from fanfare.web.once import once, repeatable
from fanfare.web.paging import PageQuery, show_page
from fanfare.web.resource import Resource
from fanfare.web.schema import In, Out, problems

routes = Resource("dead_letters", "What failed for good.", tag="dead letters")


class DeadLetterPath(In):
    """Which dead letter."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,80}$")]


class DeadLetterOut(Out):
    """A chunk of a notification whose failures a replay may mend: how many of each error code."""

    id: str
    kind: Literal["notification"]
    notification_id: str
    chunk: int
    codes: dict[str, int]
    reason: str
    created_at: datetime
    replayed_at: datetime | None


class WebhookLetterOut(Out):
    """An event that a webhook's endpoint has not taken in all its attempts. `reason` is the last one's error, or `http_` and the last status."""

    id: str
    kind: Literal["webhook"]
    webhook_id: str
    event_id: str
    event_type: str
    attempts: int
    reason: str
    created_at: datetime
    replayed_at: datetime | None


class AnyDeadLetter(RootModel[Annotated[DeadLetterOut | WebhookLetterOut, Field(discriminator="kind")]]):
    """A dead letter of either kind."""


class DeadLetterPage(Out):
    """A page of dead letters."""

    items: list[AnyDeadLetter]
    next_cursor: str | None


class DeadLetterQuery(PageQuery):
    """Which dead letters, and paging."""

    kind: Literal["notification", "webhook"] | None = None
    created_after: Instant | None = None
    created_before: Instant | None = None

    def filters(self) -> DeadLetterFilter:
        """The filters as the domain has them."""
        return DeadLetterFilter(DeadLetterKind(self.kind) if self.kind else None, self.created_after, self.created_before)


@routes.get("/dead-letters", responses={200: DeadLetterPage})
@authorized(Scope.READ)
def index(query: DeadLetterQuery) -> Response:
    """List dead letters, the newest first."""
    return show_page(list_dead_letters(deps(), call().tenant, query.filters(), query.limit, query.cursor), _show)


@routes.get("/dead-letters/<id>", responses={200: AnyDeadLetter, **problems(404)})
@authorized(Scope.READ)
def show(path: DeadLetterPath) -> Response:
    """Show a dead letter."""
    return jsonify(_show(get_dead_letter(deps(), call().tenant, path.id)))


@routes.post("/dead-letters/<id>/replay", responses={202: AnyDeadLetter, **problems(404, 409)})
@authorized(Scope.SEND, group=LimitGroup.SEND)
@repeatable
def replay(path: DeadLetterPath) -> Response:
    """Send a dead letter's recipients their message, whose time to live begins anew, or its endpoint the event, again."""

    def perform() -> HttpAnswer:
        return HttpAnswer(202, _show(replay_dead_letter(deps(), call(), path.id)))

    return once(f"POST /dead-letters/{path.id}/replay", perform)


def _show(letter: AnyLetter) -> dict[str, Any]:
    return {
        "id": letter.id,
        "kind": letter.kind.value,
        **(_about_chunk(letter) if isinstance(letter, DeadLetter) else _about_delivery(letter)),
        "reason": letter.reason,
        "created_at": show_time(letter.created_at),
        "replayed_at": show_time(letter.replayed_at),
    }


def _about_chunk(letter: DeadLetter) -> dict[str, Any]:
    return {"notification_id": letter.key.notification_id, "chunk": letter.key.number, "codes": dict(letter.codes)}


def _about_delivery(letter: WebhookLetter) -> dict[str, Any]:
    key = letter.key
    return {"webhook_id": key.webhook_id, "event_id": key.event_id, "event_type": letter.event_kind.value, "attempts": letter.attempts}
