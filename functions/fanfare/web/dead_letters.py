"""`/dead-letters`: what failed for good, and sending it again."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from flask import Response, jsonify
from flask_openapi import APIBlueprint, Tag
from pydantic import Field

from fanfare.domain.client import Scope
from fanfare.domain.dead_letter import DeadLetter
from fanfare.services.dead_letters import list_dead_letters, replay_dead_letter
from fanfare.services.perform_once import HttpAnswer
from fanfare.web.device_schemas import show_time
from fanfare.web.gate import authorized, call, caller, deps
from fanfare.web.once import once
from fanfare.web.schema import In, Out, Query, problems

blueprint = APIBlueprint("dead_letters", __name__, abp_tags=[Tag(name="dead letters", description="What failed for good.")])


class DeadLetterPath(In):
    """Which dead letter."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,80}$")]


class DeadLetterOut(Out):
    """A chunk of a notification whose failures a replay may mend: how many of each error code."""

    id: str
    notification_id: str
    chunk: int
    codes: dict[str, int]
    reason: str
    created_at: datetime
    replayed_at: datetime | None


class DeadLetterPage(Out):
    """A page of dead letters."""

    items: list[DeadLetterOut]
    next_cursor: str | None


class DeadLetterQuery(Query):
    """Paging."""

    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str, Field(max_length=512)] | None = None


@blueprint.get("/dead-letters", responses={200: DeadLetterPage})
@authorized(Scope.READ)
def index(query: DeadLetterQuery) -> Response:
    """List dead letters."""
    items, cursor = list_dead_letters(deps(), caller().tenant, query.limit, query.cursor)
    return jsonify({"items": [_show(letter) for letter in items], "next_cursor": cursor})


@blueprint.post("/dead-letters/<id>/replay", responses={202: DeadLetterOut, **problems(404, 409)})
@authorized(Scope.SEND)
def replay(path: DeadLetterPath) -> Response:
    """Send a dead letter's recipients their message again; its time to live begins anew."""

    def perform() -> HttpAnswer:
        return HttpAnswer(202, _show(replay_dead_letter(deps(), caller().tenant, path.id, call().request_id)))

    return once(f"POST /dead-letters/{path.id}/replay", perform)


def _show(letter: DeadLetter) -> dict[str, Any]:
    return {
        "id": letter.id,
        "notification_id": letter.key.notification_id,
        "chunk": letter.key.number,
        "codes": dict(letter.codes),
        "reason": letter.reason,
        "created_at": show_time(letter.created_at),
        "replayed_at": show_time(letter.replayed_at),
    }
