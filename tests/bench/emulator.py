"""Where this process's Firestore clients look for their emulator: they read it from the environment when they are made."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

_VARIABLE = "FIRESTORE_EMULATOR_HOST"


@contextmanager
def emulator_at(host: str) -> Iterator[None]:
    """Let the clients that are made meanwhile find this emulator."""
    before = os.environ.get(_VARIABLE)
    os.environ[_VARIABLE] = host
    try:
        yield
    finally:
        del os.environ[_VARIABLE]
        if before is not None:
            os.environ[_VARIABLE] = before
