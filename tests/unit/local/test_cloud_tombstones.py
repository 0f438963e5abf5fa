"""Names of ended tasks, and the order of the waiting ones."""

from __future__ import annotations

from local.cloud.tasks.due import DueTasks
from local.cloud.tasks.tombstones import TOMBSTONE_SECONDS, Tombstones


def by_due_time(due: float) -> float:
    return due


def pop_all(waiting: DueTasks) -> list[str]:
    popped = []
    while waiting.has_ready():
        popped.append(waiting.pop())
    return popped


def test_name_is_held_for_an_hour() -> None:
    tombstones = Tombstones()
    tombstones.add("a", now=0)
    assert tombstones.holds("a", TOMBSTONE_SECONDS - 1)
    assert not tombstones.holds("a", TOMBSTONE_SECONDS)
    assert not tombstones.holds("b", 0)


def test_name_that_ended_twice_is_held_from_the_second_time() -> None:
    tombstones = Tombstones()
    tombstones.add("a", now=0)
    tombstones.add("a", now=100)
    assert tombstones.holds("a", TOMBSTONE_SECONDS + 99)
    assert not tombstones.holds("a", TOMBSTONE_SECONDS + 100)


def test_due_names_come_in_order_of_due_time_then_creation() -> None:
    waiting = DueTasks()
    for sequence, (name, due) in enumerate([("c", 2), ("a", 1), ("b", 1), ("later", 9)]):
        waiting.push(name, due, sequence)
    waiting.advance(2, by_due_time)
    assert pop_all(waiting) == ["a", "b", "c"]
    assert waiting.next_due() == 9


def test_discarded_name_does_not_come() -> None:
    waiting = DueTasks()
    waiting.push("a", 1, 0)
    waiting.push("b", 5, 1)
    waiting.advance(1, by_due_time)
    waiting.discard("a")
    waiting.discard("b")
    assert (waiting.has_ready(), waiting.next_due()) == (False, None)


def test_name_that_was_pushed_again_comes_once_at_its_new_time() -> None:
    waiting = DueTasks()
    waiting.push("a", 1, 0)
    waiting.discard("a")
    waiting.push("a", 3, 0)
    waiting.advance(2, by_due_time)
    assert not waiting.has_ready()
    waiting.advance(3, by_due_time)
    assert pop_all(waiting) == ["a"]


def test_rank_decides_the_order_of_the_due_ones() -> None:
    waiting = DueTasks()
    for sequence, due in enumerate((1.0, 2.0, 3.0)):
        waiting.push(str(due), due, sequence)
    waiting.advance(3, lambda due: -due)
    assert pop_all(waiting) == ["3.0", "2.0", "1.0"]
