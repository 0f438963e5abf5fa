"""Fixtures of the real parts: the Firestore emulator and the whole local stack.

Both start when a test first asks for them and live until the run ends, one of each per pytest-xdist worker. Where they
cannot start, the run stops with one sentence: a suite that skips its contract tests proves nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.errors import StackError
from local.indexes.demand import demand_indexes
from local.settings import StackSettings
from local.stack import ALL_PARTS, Stack

_LONGEST_FIRST = ("test_broadcast_chaos", "test_openapi", "test_chaos", "test_locks", "test_key_rotation_api")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take minutes: coming last, one of them would keep one worker busy while the other has nothing to do."""
    ranks = {name: rank for rank, name in enumerate(_LONGEST_FIRST)}
    items.sort(key=lambda item: ranks.get(item.path.stem, len(ranks)))


@pytest.fixture(scope="session", autouse=True)
def _as_the_deployed_database_does() -> None:
    """Demand an index for every query that a test makes; the functions of the stack demand it of theirs."""
    demand_indexes()


def running(folder: Path, parts: frozenset[str]) -> Iterator[Stack]:
    """Run these parts of the stack; where they can't start, the run ends."""
    stack = Stack(StackSettings(), folder=folder, parts=parts)
    try:
        stack.__enter__()
    except StackError as error:
        pytest.exit(f"The local stack did not start: {error}", returncode=1)
    try:
        yield stack
    finally:
        stack.__exit__(None, None, None)


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start the Firestore emulator; its host:port."""
    for stack in running(tmp_path_factory.mktemp("emulator"), frozenset({"firestore"})):
        yield stack.firestore_host


@pytest.fixture
def project_id() -> str:
    """Name a project of its own for one test: the emulator keeps the data of different projects apart."""
    return f"test-{uuid.uuid4().hex[:20]}"


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Start the whole stack, the deployed functions included."""
    yield from running(tmp_path_factory.mktemp("stack"), ALL_PARTS)
