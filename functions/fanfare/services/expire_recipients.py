"""What cleanup removes first of ended notifications: their recipients; those for which there is a dead letter go with that."""

from __future__ import annotations

from collections.abc import Sequence

from fanfare.domain.dead_letter import DeadLetter
from fanfare.domain.retention import Cleaning, DueLetter, Ended, Kind, Swept, is_replay_over
from fanfare.ports import Deps
from fanfare.services.ended_pages import BELOW, drain, is_large, look_on

LETTERS = 100


def remove_recipients(deps: Deps, cleaning: Cleaning) -> Swept:
    """Remove the recipients of notifications that have ended, but for chunks with a dead letter, which may be replayed to them."""
    return look_on(deps, cleaning, Kind.RECIPIENTS, _drop_recipients)


def remove_dead_letters(deps: Deps, cleaning: Cleaning) -> Swept:
    """Remove dead letters, each with the recipients that were kept for it, unless a replay of its notification is under way."""
    found = deps.ended.find_letters(cleaning.tenant, cleaning.due[Kind.DEAD_LETTERS], LETTERS)
    removed = sum(_remove_letter(deps, cleaning, due) for due in found)
    return Swept(removed, len(found) == LETTERS and removed > 0)


def _drop_recipients(deps: Deps, cleaning: Cleaning, page: Sequence[Ended]) -> int:
    if is_large(page):
        return sum(_drop_rows(deps, cleaning.tenant, ended) for ended in page)
    failed = [ended.id for ended in page if ended.has_failures]
    kept = deps.ended.with_dead_letter(cleaning.tenant, failed) if failed else frozenset()
    dropped = [ended.id for ended in page if ended.id not in kept]
    if dropped:
        deps.ended.remove_rows(cleaning.tenant, dropped)
    return len(dropped)


def _drop_rows(deps: Deps, tenant: str, ended: Ended) -> int:
    keep = _numbers_to_keep(deps, tenant, ended)
    return drain(lambda: deps.ended.remove_below(tenant, ended.id, Kind.RECIPIENTS, BELOW, keep))


def _numbers_to_keep(deps: Deps, tenant: str, ended: Ended) -> frozenset[int]:
    """The chunks with a dead letter, replayed ones included: such a replay may be under way."""
    numbers: set[int] = set()
    after: str | None = None
    while ended.has_failures:
        page = deps.notifications.find_dead_letters(tenant, ended.id, LETTERS, after)
        numbers.update(letter.key.number for letter in page.items)
        after = page.next_after
        if after is None:
            break
    return frozenset(numbers)


def _remove_letter(deps: Deps, cleaning: Cleaning, due: DueLetter) -> bool:
    if not isinstance(due.letter, DeadLetter):
        return deps.ended.remove_letter(due, with_rows=False)
    notification = deps.notifications.get(cleaning.tenant, due.letter.key.notification_id)
    is_over = notification is None or is_replay_over(notification.completed_at, cleaning.due[Kind.RECIPIENTS])
    return deps.ended.remove_letter(due, with_rows=is_over)
