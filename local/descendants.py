"""Which processes stem from one: some children, such as the emulator's Java, leave their parent's process group.

Read from /proc; where there is none, nothing seems to run.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

_PROC = Path("/proc")


@dataclass(frozen=True)
class RunningProcess:
    """A process, told apart from a later one with the same id by when it started (clock ticks since boot)."""

    pid: int
    started: int
    parent: int = field(compare=False)
    session: int = field(compare=False)
    state: str = field(compare=False)

    @property
    def is_stopped(self) -> bool:
        """Whether it stands still until a SIGCONT."""
        return self.state in "Tt"


def find_process(pid: int) -> RunningProcess | None:
    """Return the process with this id, None if it has ended.

    A process whose parent has not asked for its end is still listed, as a zombie. It runs no more once the last of its threads is gone, with
    everything that it held open: its first thread may end before the others.
    """
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        # The process ended while we looked.
        return None
    # The command's name stands in parentheses and may itself hold blanks and parentheses. See proc_pid_stat(5) for the rest.
    fields = text.rpartition(")")[2].split()
    if fields[0] in "ZX" and int(fields[17]) <= 1:
        return None
    return RunningProcess(pid=pid, started=int(fields[19]), parent=int(fields[1]), session=int(fields[3]), state=fields[0])


def is_running(process: RunningProcess) -> bool:
    """Tell whether a process has not ended."""
    return find_process(process.pid) == process


def _running() -> list[RunningProcess]:
    return [process for entry in _PROC.glob("[0-9]*") if (process := find_process(int(entry.name)))]


def descendants_of(ancestor: int) -> list[RunningProcess]:
    """Return what runs below `ancestor`, nearest first."""
    running = _running()
    found: list[RunningProcess] = []
    parents = [ancestor]
    for parent in parents:
        children = [process for process in running if process.parent == parent]
        found.extend(children)
        parents.extend(child.pid for child in children)
    return found


def tree_of(leader: RunningProcess) -> list[RunningProcess]:
    """Return what runs of the leader of a session, of its session and below them, the leader first.

    What the leader has left behind at its end is found by its session, unless it has gone into a session of its own.
    """
    running = _running()
    if any(process.pid == leader.pid and process != leader for process in running):
        # The system gives the leader's id to another process only when nobody of the session is left.
        return []
    found = [
        *(process for process in running if process == leader),
        *(process for process in running if process.session == leader.pid != process.pid),
    ]
    for process in found:
        found.extend(child for child in running if child.parent == process.pid and child not in found)
    return found


def signal_process(process: RunningProcess, number: signal.Signals) -> None:
    """Send a signal, unless the process has ended meanwhile."""
    if is_running(process):
        with suppress(ProcessLookupError):
            os.kill(process.pid, number)
