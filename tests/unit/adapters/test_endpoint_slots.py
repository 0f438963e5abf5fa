"""The slots of an instance: each endpoint has its part, the slow ones share one, and what was taken is given back."""

from __future__ import annotations

from fanfare.adapters import endpoint_slots
from fanfare.adapters.endpoint_slots import MemoryEndpointSlots
from fanfare.domain.endpoint_health import MOST_IN_FLIGHT


def _fill(slots: MemoryEndpointSlots, endpoint: str) -> int:
    taken = 0
    while slots.enter(endpoint):
        taken += 1
    return taken


def test_each_endpoint_has_its_part() -> None:
    slots = MemoryEndpointSlots()
    assert [_fill(slots, name) for name in ("a", "b")] == [MOST_IN_FLIGHT] * 2
    slots.leave("a")
    assert [_fill(slots, name) for name in ("a", "b")] == [1, 0]


def test_endpoints_that_were_slow_share_one_part_until_they_are_quick() -> None:
    slots = MemoryEndpointSlots()
    for name in ("a", "b"):
        assert slots.enter(name)
        slots.leave(name, slow=True)
    assert [_fill(slots, name) for name in ("a", "b", "c")] == [MOST_IN_FLIGHT, 0, MOST_IN_FLIGHT]
    slots.leave("a", slow=False)
    assert _fill(slots, "b") == MOST_IN_FLIGHT


def test_attempt_that_came_to_no_post_says_nothing_of_its_endpoint() -> None:
    slots = MemoryEndpointSlots()
    for name in ("a", "b"):
        assert slots.enter(name)
        slots.leave(name, slow=True)
    assert slots.enter("b")
    slots.leave("b")
    assert [_fill(slots, name) for name in ("a", "b")] == [MOST_IN_FLIGHT, 0]


def test_memory_of_the_slow_ones_is_bounded() -> None:
    slots = MemoryEndpointSlots()
    for number in range(endpoint_slots.MOST_SLOW + 1):
        assert slots.enter(str(number))
        slots.leave(str(number), slow=True)
    assert [_fill(slots, name) for name in ("0", "1")] == [MOST_IN_FLIGHT] * 2
