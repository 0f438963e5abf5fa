"""One child process of the stack: its own process group, its own log, and death with its parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from local.descendants import descendants_of

LAUNCHER = Path(__file__).with_name("launch.py")
_GRACE_SECONDS = 10.0
_REAP_SECONDS = 10.0
# These concern the whole tree; every other signal is the leader's to act on and to pass down.
_TREE_SIGNALS = frozenset({signal.SIGKILL, signal.SIGSTOP, signal.SIGCONT})


class ChildProcess:
    """A command that can be started, signalled, stopped and started again.

    The environment is the whole environment of the child. Start it from a thread that outlives it (see `launch.py`).
    """

    def __init__(self, command: Sequence[str], *, environment: Mapping[str, str], folder: Path, log: Path) -> None:
        self.log = log
        self._command = [sys.executable, "-I", "-S", str(LAUNCHER), str(os.getpid()), *command]
        self._environment = dict(environment)
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the command; what it prints is appended to the log."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                env=self._environment,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._process.pid if self._process and self._process.poll() is None else None

    @property
    def exit_status(self) -> int | None:
        """How it ended (negative: the signal that ended it); None while it runs or before its start."""
        return self._process.poll() if self._process else None

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal; SIGKILL, SIGSTOP and SIGCONT reach every descendant, and SIGKILL is waited for."""
        pid = self.pid
        if pid is None or self._process is None:
            return
        if number not in _TREE_SIGNALS:
            self._process.send_signal(number)
            return
        _signal_all([pid, *descendants_of(pid)], number)
        if number is signal.SIGKILL:
            self._process.wait(_REAP_SECONDS)

    def stop(self, *, grace_seconds: float = _GRACE_SECONDS) -> None:
        """End it with SIGTERM, or with SIGKILL when it is still there after the grace; nothing below it survives."""
        pid = self.pid
        if pid is None or self._process is None:
            return
        below = descendants_of(pid)
        self._process.terminate()
        try:
            self._process.wait(grace_seconds)
        except subprocess.TimeoutExpired:
            self.send_signal(signal.SIGKILL)
        _signal_all(_still_there(below), signal.SIGKILL)

    def last_line(self) -> str:
        """Return the last line of the log that says something."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "(nothing)")


def _still_there(pids: Sequence[int]) -> list[int]:
    """Keep those that run without a parent of their own: the others have been waited for."""
    orphans = set(descendants_of(1)) | set(descendants_of(os.getpid()))
    return [pid for pid in pids if pid in orphans]


def _signal_all(pids: Sequence[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
