"""Splitting work into pieces of a bounded size."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


def split(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Cut a sequence into pieces of at most `size`."""
    return (items[start : start + size] for start in range(0, len(items), size))


def split_by_weight(items: Sequence[T], weigh: Callable[[T], int], *, most: int, heaviest: int) -> Iterator[Sequence[T]]:
    """Cut a sequence into pieces of at most `most` items that weigh `heaviest` together at most; what is heavier by itself stands alone."""
    start = weight = 0
    for index, item in enumerate(items):
        own = weigh(item)
        if index > start and (index - start == most or weight + own > heaviest):
            yield items[start:index]
            start, weight = index, 0
        weight += own
    if items:
        yield items[start:]
