"""Unit tests open no socket: whoever tries is told so by its test's failure."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from hypothesis import settings

# The suite is run with every change and must take seconds; a property that needs more examples says so itself.
settings.register_profile("unit", max_examples=25, deadline=None)
settings.load_profile("unit")

_NETWORK = frozenset({"socket.connect", "socket.bind", "socket.getaddrinfo", "socket.sendto"})
_watched: list[bool] = []


def _refuse(event: str, _arguments: tuple[object, ...]) -> None:
    if _watched and event in _NETWORK:
        raise RuntimeError(f"A unit test opens no socket, but this one caused {event}.")


# An audit hook sees every way to the network, whichever library takes it; it can't be removed, only told to look away.
sys.addaudithook(_refuse)


@pytest.fixture(autouse=True)
def _no_network() -> Iterator[None]:
    _watched.append(True)
    yield
    _watched.pop()
