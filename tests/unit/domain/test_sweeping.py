"""Pages of parked chunks: a full one is followed by another, any other is the last."""

from __future__ import annotations

import pytest

from fanfare.domain.chunk import ChunkKey
from fanfare.domain.sweeping import position_after
from tests.factories import TENANT_ID

KEYS = [ChunkKey(TENANT_ID, f"notification-{number}", 0) for number in range(3)]


@pytest.mark.parametrize(("page", "position"), [([], None), (KEYS[:1], None), (KEYS[:2], KEYS[1]), (KEYS[:3], KEYS[2])])
def test_next_page_begins_after_a_full_one_and_else_at_the_beginning(page: list[ChunkKey], position: ChunkKey | None) -> None:
    assert position_after(page, 2) == position
