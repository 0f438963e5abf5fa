"""Dead letters: look at what failed for good, and send it again."""

from __future__ import annotations

from collections.abc import Sequence

from fanfare.domain.dead_letter import DeadLetter, Replay, plan_replay
from fanfare.domain.errors import Conflict, NotFound
from fanfare.domain.listing import encode_cursor, parse_cursor, query_hash
from fanfare.ports import Deps

_TRIES = 3


def list_dead_letters(deps: Deps, tenant: str, limit: int, cursor: str | None) -> tuple[Sequence[DeadLetter], str | None]:
    """List dead letters; returns a page and the cursor of the next."""
    key, query = deps.cursor_keys.cursor_key(), query_hash(tenant, "dead_letters", None)
    page = deps.notifications.list_dead_letters(tenant, limit, parse_cursor(key, query, cursor) if cursor is not None else None)
    return page.items, encode_cursor(key, query, page.next_after) if page.next_after is not None else None


def replay_dead_letter(deps: Deps, tenant: str, dead_letter_id: str, request_id: str) -> DeadLetter:
    """Send a dead letter's recipients their message again, with a new life. Conflict while an earlier replay is under way."""
    for _ in range(_TRIES):
        letter = deps.notifications.get_dead_letter(tenant, dead_letter_id)
        if letter is None:
            raise NotFound("There is no such dead letter.")
        replay = _plan(deps, letter)
        replayed = deps.notifications.replay(letter, replay, deps.clock.now())
        if replayed is not None:
            deps.tasks.enqueue_send(letter.key, request_id)
            return replayed
    raise Conflict("This dead letter is being replayed already.")


def _plan(deps: Deps, letter: DeadLetter) -> Replay:
    found = deps.notifications.get_with_chunk(letter.key)
    replay = plan_replay(found[1], found[0], deps.clock.now()) if found and found[1] else None
    if replay is None:
        raise Conflict("This dead letter was replayed already, or its notification is under way.")
    return replay
