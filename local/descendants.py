"""Which processes stem from one: some children, such as the emulator's Java, leave their parent's process group.

Read from /proc; where there is none, a process seems to have no descendants.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class RunningProcess:
    """A process, told apart from a later one with the same id by when it started (clock ticks since boot)."""

    pid: int
    parent: int
    started: int


def _read(stat: Path) -> RunningProcess | None:
    try:
        text = stat.read_text(encoding="utf-8", errors="replace")
    except OSError:
        # The process ended while we looked.
        return None
    # The command's name stands in parentheses and may itself hold blanks and parentheses.
    fields = text.rpartition(")")[2].split()
    return RunningProcess(pid=int(stat.parent.name), parent=int(fields[1]), started=int(fields[19]))


def descendants_of(ancestor: int) -> list[RunningProcess]:
    """Return what runs below `ancestor`, nearest first."""
    running = [process for stat in Path("/proc").glob("[0-9]*/stat") if (process := _read(stat))]
    found: list[RunningProcess] = []
    parents = [ancestor]
    for parent in parents:
        children = [process for process in running if process.parent == parent]
        found.extend(children)
        parents.extend(child.pid for child in children)
    return found


def signal_process(process: RunningProcess, number: signal.Signals) -> None:
    """Send a signal, unless the process has ended meanwhile."""
    now = _read(Path(f"/proc/{process.pid}/stat"))
    if now and now.started == process.started:
        with suppress(ProcessLookupError):
            os.kill(process.pid, number)
