"""How many streams an instance carries."""

from __future__ import annotations

import pytest

from fanfare.domain.event_stream import StreamPace, most_streams


@pytest.mark.parametrize(("threads", "most"), [(64, 56), (10, 2), (9, 1), (8, 1), (1, 1)])
def test_eight_threads_are_kept_free(threads: int, most: int) -> None:
    assert most_streams(threads) == most


def test_stream_ends_before_the_function_would() -> None:
    pace = StreamPace()
    assert pace.heartbeat < pace.lifetime
    assert pace.recheck.total_seconds() <= 60
