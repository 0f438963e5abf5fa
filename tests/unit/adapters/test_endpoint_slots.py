"""The slots of an instance: each quick endpoint has its part, all others share one, and what was taken is given back."""

from __future__ import annotations

from fanfare.adapters import endpoint_slots
from fanfare.adapters.endpoint_slots import MemoryEndpointSlots
from fanfare.domain.endpoint_health import MOST_IN_FLIGHT


def _fill(slots: MemoryEndpointSlots, endpoint: str) -> int:
    taken = 0
    while slots.enter(endpoint):
        taken += 1
    return taken


def _prove(slots: MemoryEndpointSlots, *names: str, slow: bool = False) -> None:
    for name in names:
        assert slots.enter(name)
        slots.leave(name, slow=slow)


def test_each_quick_endpoint_has_its_part() -> None:
    slots = MemoryEndpointSlots()
    _prove(slots, "a", "b")
    assert [_fill(slots, name) for name in ("a", "b")] == [MOST_IN_FLIGHT] * 2
    slots.leave("a")
    assert [_fill(slots, name) for name in ("a", "b")] == [1, 0]


def test_endpoints_that_were_slow_or_never_tried_share_one_part_until_they_are_quick() -> None:
    slots = MemoryEndpointSlots()
    _prove(slots, "quick")
    _prove(slots, "slow", slow=True)
    assert [_fill(slots, name) for name in ("slow", "new", "quick")] == [MOST_IN_FLIGHT, 1, MOST_IN_FLIGHT]
    slots.leave("slow", slow=False)
    assert _fill(slots, "new") == MOST_IN_FLIGHT - 1


def test_attempt_that_came_to_no_post_says_nothing_of_its_endpoint() -> None:
    slots = MemoryEndpointSlots()
    _prove(slots, "a")
    _prove(slots, "b", slow=True)
    for name in ("a", "b"):
        assert slots.enter(name)
        slots.leave(name)
    assert [_fill(slots, name) for name in ("b", "c", "a")] == [MOST_IN_FLIGHT, 1, MOST_IN_FLIGHT]


def test_memory_of_the_quick_ones_is_bounded() -> None:
    slots = MemoryEndpointSlots()
    _prove(slots, *(str(number) for number in range(endpoint_slots.MOST_TRIED + 1)))
    assert [_fill(slots, name) for name in (str(endpoint_slots.MOST_TRIED), "0", "1")] == [MOST_IN_FLIGHT, MOST_IN_FLIGHT, 1]
