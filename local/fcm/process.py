"""Starts the simulator as a process of its own, as the tests do it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local.certificates import write_certificates

STOP_SECONDS = 10


@dataclass(frozen=True, slots=True)
class RunningSimulator:
    """Where a running simulator listens, whom to trust, and its process."""

    url: str
    admin_url: str
    ca: Path
    process: subprocess.Popen[str]


@contextmanager
def running_simulator(folder: Path, *extra: str) -> Iterator[RunningSimulator]:
    """Run a simulator on ports the system chooses, its files in `folder`; stopped at the end, killed if it does not stop."""
    files, ready = write_certificates(folder), folder / "fcm-ports.json"
    paths = ["--certificate", str(files.certificate), "--private-key", str(files.private_key), "--ready-file", str(ready)]
    with subprocess.Popen([sys.executable, "-m", "local.fcm", *paths, *extra], stdout=subprocess.PIPE, text=True) as process:
        try:
            if not process.stdout or not process.stdout.readline():
                raise RuntimeError("The FCM simulator ended before it listened; its message is above.")
            ports = json.loads(ready.read_text())
            yield RunningSimulator(f"https://127.0.0.1:{ports['tls_port']}", f"http://127.0.0.1:{ports['http_port']}", files.ca, process)
        finally:
            _stop(process)


def _stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
