"""One child process of the stack: its own session, its own log, and death with its parent."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from local.descendants import RunningProcess, find_process, signal_process, tree_of
from local.errors import StackError
from local.readiness import wait_until

LAUNCHER = Path(__file__).with_name("launch.py")
_GRACE_SECONDS = 10.0
# gunicorn gives the requests of its workers 30 seconds to end.
_PATIENCE_SECONDS = 40.0


class ChildProcess:
    """A command that can be started, signalled, stopped and started again.

    The environment is the whole environment of the child. Without a log it prints to our own terminal.
    Start it from a thread that outlives it (see `launch.py`).
    """

    def __init__(self, command: Sequence[str], *, environment: Mapping[str, str], folder: Path, log: Path | None = None) -> None:
        self.log = log
        self._command = list(command)
        self._environment = dict(environment)
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._leader: RunningProcess | None = None
        self._known: list[RunningProcess] = []

    def start(self) -> None:
        """Start the command; what it prints is appended to the log."""
        with ExitStack() as opened:
            log = opened.enter_context(self.log.open("ab")) if self.log else None
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(LAUNCHER), str(os.getpid()), *self._command],
                env=self._environment,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT if log else None,
                start_new_session=True,
            )
        self._leader = find_process(self._process.pid)
        self._known = []

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._process.pid if self._process and self._process.poll() is None else None

    @property
    def exit_status(self) -> int | None:
        """How it ended (negative: the signal that ended it); None while it runs or before its start."""
        return self._process.poll() if self._process else None

    def send_signal(self, number: signal.Signals, *, patience_seconds: float = _PATIENCE_SECONDS) -> None:
        """Send a signal to the first process, which passes down what concerns the others; to the whole tree if it is SIGKILL, SIGSTOP or SIGCONT.

        Returns once the whole tree has ended after SIGKILL and SIGTERM, and once it stands still after SIGSTOP. Raises StackError if that is not
        so within `patience_seconds`.
        """
        if self._process is None:
            return
        # What leaves the session is known from now on, whoever ends first.
        self._survivors()
        self._process.send_signal(number)
        if number is signal.SIGKILL:
            self._wait_for(self._is_killed, number, patience_seconds)
        elif number is signal.SIGTERM:
            self._wait_for(self._has_ended, number, patience_seconds)
        elif number is signal.SIGSTOP:
            self._wait_for(self._stands_still, number, patience_seconds)
        elif number is signal.SIGCONT:
            _signal(self._survivors(), number)

    def stop(self, *, grace_seconds: float = _GRACE_SECONDS) -> None:
        """End it with SIGTERM, or with SIGKILL when it is still there after the grace; nothing below it survives. Raises StackError if it does."""
        if self._process is None:
            return
        # A stopped process would not see the SIGTERM.
        _signal(self._survivors(), signal.SIGCONT)
        self._process.terminate()
        wait_until(lambda: self.pid is None, timeout_seconds=grace_seconds)
        self.send_signal(signal.SIGKILL)

    def _survivors(self) -> list[RunningProcess]:
        """What still runs of all that was ever seen of this tree."""
        if self._leader:
            self._known += [process for process in tree_of(self._leader) if process not in self._known]
        return [now for process in self._known if (now := find_process(process.pid)) == process]

    def _has_ended(self) -> bool:
        return self.pid is None and not self._survivors()

    def _is_killed(self) -> bool:
        # Again with each look: what was just being started when the first signals were sent is found now.
        left = self._survivors()
        _signal(left, signal.SIGKILL)
        return self.pid is None and not left

    def _stands_still(self) -> bool:
        moving = [process for process in self._survivors() if not process.is_stopped]
        _signal(moving, signal.SIGSTOP)
        return not moving

    def _wait_for(self, check: Callable[[], bool], number: signal.Signals, seconds: float) -> None:
        if not wait_until(check, timeout_seconds=seconds):
            left = ", ".join(str(process.pid) for process in self._survivors())
            raise StackError(f"{shlex.join(self._command)} still runs {seconds:g} seconds after {number.name}: processes {left}.")

    def last_line(self) -> str:
        """Return the last line of the log that says something."""
        if self.log is None:
            return "(it has no log)"
        lines = self.log.read_text(encoding="utf-8", errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "(nothing)")


def _signal(processes: Iterable[RunningProcess], number: signal.Signals) -> None:
    for process in processes:
        signal_process(process, number)
