"""Contestants that are client programs: each in a process of its own, which waits while the others send."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from local.environment import inherited_environment
from local.settings import ROOT

END_SECONDS = 10.0


class Worker:
    """One contestant's process, as a context manager. `python` is the interpreter whose packages it needs."""

    def __init__(self, name: str, settings: Path, *, ca: Path, python: str = sys.executable) -> None:
        self._command = [python, "-m", "tests.bench.worker", name, str(settings)]
        # The clients that take no certificate authority as a setting read one of these variables.
        self._environment = {**_environment(), "REQUESTS_CA_BUNDLE": str(ca), "SSL_CERT_FILE": str(ca)}
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        """Start it; it is ready when it answers its first round."""
        self._process = subprocess.Popen(
            self._command, env=self._environment, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close its input, at which it ends."""
        process = self._running
        if process.stdin and process.stdout:
            process.stdin.close()
            process.stdout.close()
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    @property
    def pids(self) -> list[int]:
        """The processes whose CPU time is the contestant's."""
        return [self._running.pid]

    def send(self, count: int) -> int:
        """Send so many messages; returns how many were accepted."""
        process = self._running
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("The contestant has no pipes.")
        process.stdin.write(f"{count}\n")
        answer = process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{self._command[3]} ended; its message is above.")
        return int(answer)

    @property
    def _running(self) -> subprocess.Popen[str]:
        if self._process is None:
            raise RuntimeError("The contestant was not started.")
        return self._process


def _environment() -> Mapping[str, str]:
    inherited = inherited_environment(os.environ)
    return {**inherited, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'functions'}"}
