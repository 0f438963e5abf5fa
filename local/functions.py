"""The functions that the stack runs, each in a process of its own as functions-framework serves it when deployed."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from local.addresses import LOOPBACK


@dataclass(frozen=True)
class Function:
    """One entry point of `functions/main.py`; `threads` is its concurrency, and a request may take `timeout_seconds`."""

    name: str
    threads: int
    timeout_seconds: int = 300


FUNCTIONS = (
    Function("api", threads=16),
    # A stream keeps its thread for ten minutes (domain/event_stream.py).
    Function("stream", threads=64, timeout_seconds=900),
    Function("send", threads=8),
    Function("fanout", threads=4),
    Function("webhook", threads=16),
    Function("schedule", threads=1),
    Function("rollup", threads=1),
    Function("cleanup", threads=1),
    Function("keepalive", threads=1),
)


def function_command(function: Function, folder: Path, port: int) -> list[str]:
    """Return the command that serves one function."""
    source = str(folder / "main.py")
    return [sys.executable, "-m", "local.function_server", "--target", function.name, "--source", source, "--host", LOOPBACK, "--port", str(port)]


def function_environment(function: Function) -> dict[str, str]:
    """Return what a deployed function of this name finds in its environment."""
    return {
        "FUNCTION_TARGET": function.name,
        "WORKERS": "1",
        "THREADS": str(function.threads),
        "CLOUD_RUN_TIMEOUT_SECONDS": str(function.timeout_seconds),
        # Lines appear in the log file when they are written, also when the process is killed.
        "PYTHONUNBUFFERED": "1",
    }
