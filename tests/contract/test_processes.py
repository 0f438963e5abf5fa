from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from local.descendants import descendants_of, find_process, is_running, signal_process, tree_of
from local.errors import StackError
from local.processes import ChildProcess
from local.readiness import wait_until

STUBBORN = "trap '' TERM; echo ready; sleep 60 & wait; wait"


@pytest.fixture
def stubborn(tmp_path: Path) -> Iterator[ChildProcess]:
    """A shell that ignores SIGTERM, with a child of its own."""
    log = tmp_path / "log"
    child = ChildProcess(["/bin/sh", "-c", STUBBORN], environment={}, folder=tmp_path, log=log)
    child.start()
    assert wait_until(lambda: log.read_text() == "ready\n" and len(descendants_of(child.pid or 0)) == 1, timeout_seconds=20)
    yield child
    child.stop(grace_seconds=0)


def test_what_outlives_a_signal_is_named_with_its_processes(stubborn: ChildProcess) -> None:
    leader = stubborn.pid
    assert leader
    (below,) = descendants_of(leader)
    error = re.escape(f"after SIGTERM: processes {leader}, {below.pid}.")
    with pytest.raises(StackError, match=f"sleep 60 & wait; wait' still runs 0.2 seconds {error}"):
        stubborn.send_signal(signal.SIGTERM, patience_seconds=0.2)


def test_what_ignores_sigterm_is_killed_after_the_grace_with_its_tree(stubborn: ChildProcess) -> None:
    leader = stubborn.pid
    assert leader
    (below,) = descendants_of(leader)
    stubborn.stop(grace_seconds=0.1)
    assert stubborn.exit_status == -signal.SIGKILL
    assert not is_running(below)


def test_the_whole_tree_stands_still_when_stopping_returns_and_goes_on_when_continued(stubborn: ChildProcess) -> None:
    leader = stubborn.pid
    assert leader
    (below,) = descendants_of(leader)
    tree = (leader, below.pid)
    stubborn.send_signal(signal.SIGSTOP)
    assert [process.is_stopped for pid in tree if (process := find_process(pid))] == [True, True]
    stubborn.send_signal(signal.SIGCONT)
    assert wait_until(lambda: not any(process.is_stopped for pid in tree if (process := find_process(pid))), timeout_seconds=5)


def test_a_stopped_tree_can_be_stopped_for_good(stubborn: ChildProcess) -> None:
    leader = stubborn.pid
    assert leader
    (below,) = descendants_of(leader)
    stubborn.send_signal(signal.SIGSTOP)
    stubborn.send_signal(signal.SIGKILL)
    assert stubborn.pid is None
    assert not is_running(below)


def test_another_process_with_the_id_of_an_ended_one_is_left_alone(stubborn: ChildProcess) -> None:
    found = find_process(stubborn.pid or 0)
    assert found
    ended = replace(found, started=found.started - 1)
    assert tree_of(ended) == []
    signal_process(ended, signal.SIGSTOP)
    assert not is_running(ended)
    now = find_process(found.pid)
    assert now
    assert not now.is_stopped
