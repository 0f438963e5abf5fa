"""One child process of the stack: its own process group, its own log, and death with its parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from local.descendants import descendants_of, signal_process

LAUNCHER = Path(__file__).with_name("launch.py")
_GRACE_SECONDS = 10.0
_REAP_SECONDS = 10.0
# These concern the whole tree; every other signal is the leader's to act on and to pass down.
_TREE_SIGNALS = frozenset({signal.SIGKILL, signal.SIGSTOP, signal.SIGCONT})


class ChildProcess:
    """A command that can be started, signalled, stopped and started again.

    The environment is the whole environment of the child. Without a log it prints to our own terminal.
    Start it from a thread that outlives it (see `launch.py`).
    """

    def __init__(self, command: Sequence[str], *, environment: Mapping[str, str], folder: Path, log: Path | None = None) -> None:
        self.log = log
        self._command = [sys.executable, "-I", "-S", str(LAUNCHER), str(os.getpid()), *command]
        self._environment = dict(environment)
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the command; what it prints is appended to the log."""
        with ExitStack() as opened:
            log = opened.enter_context(self.log.open("ab")) if self.log else None
            self._process = subprocess.Popen(
                self._command,
                env=self._environment,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT if log else None,
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
        if self.pid is None or self._process is None:
            return
        below = descendants_of(self.pid) if number in _TREE_SIGNALS else []
        self._process.send_signal(number)
        for process in below:
            signal_process(process, number)
        if number is signal.SIGKILL:
            self._process.wait(_REAP_SECONDS)

    def stop(self, *, grace_seconds: float = _GRACE_SECONDS) -> None:
        """End it with SIGTERM, or with SIGKILL when it is still there after the grace; nothing below it survives."""
        if self.pid is None or self._process is None:
            return
        # A stopped process would not see the SIGTERM.
        self.send_signal(signal.SIGCONT)
        below = descendants_of(self.pid)
        self._process.terminate()
        try:
            self._process.wait(grace_seconds)
        except subprocess.TimeoutExpired:
            self.send_signal(signal.SIGKILL)
        for process in below:
            signal_process(process, signal.SIGKILL)

    def last_line(self) -> str:
        """Return the last line of the log that says something."""
        if self.log is None:
            return "(it has no log)"
        lines = self.log.read_text(encoding="utf-8", errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "(nothing)")
