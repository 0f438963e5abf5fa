"""What a fresh instance costs until its first answer, beside the bare imports that no Python function on Firestore can avoid."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import packages_distributions
from statistics import median
from typing import Any

from local.environment import inherited_environment
from local.settings import ROOT
from local.stack import Stack
from tests.bench.function import SendFunction

_HIDE = "import os, sys; sys.modules.update(dict.fromkeys(os.environ['BENCH_HIDDEN'].split(',')))\n"
_BARE = "import functions_framework, flask, google.cloud.firestore, pydantic"
_FIRST_ANSWER = """
import json, os
import functions_framework
call = json.loads(os.environ["BENCH_CALL"])
app = functions_framework.create_app(call["target"], call["source"])
as_gunicorn = {"wsgi.input_terminated": True}
client = app.test_client()
answer = client.open(call["path"], method=call["method"], headers=call["headers"], json=call["json"], environ_overrides=as_gunicorn)
assert answer.status_code == call["status"], (answer.status_code, answer.data)
"""
_IMPORT_MAIN = "import sys; sys.path.insert(0, 'functions'); import main"
_REPORT = "\nimport time; print(time.process_time(), time.monotonic())"


@dataclass(slots=True)
class Start:
    """One kind of start and its runs: CPU seconds of the process since its beginning, seconds since it was asked for."""

    title: str
    code: str
    environment: dict[str, str]
    cpu: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)

    @property
    def cpu_millis(self) -> float:
        """Median milliseconds of CPU."""
        return median(self.cpu) * 1e3

    @property
    def wall_millis(self) -> float:
        """Median milliseconds until the answer."""
        return median(self.wall) * 1e3


def measure_starts(stack: Stack, function: SendFunction, runs: int) -> list[Start]:
    """Start fresh interpreters, the kinds by turns; the bare imports come first in the answer."""
    hidden = ",".join(development_packages())
    environment = {**inherited_environment({}), **stack.environment, "PATH": "/usr/bin:/bin", "BENCH_HIDDEN": hidden}
    # The first run of each kind may have to compile: it does not count.
    chunks = function.store_chunks(runs + 1, size=1)
    headers = function.client_headers()
    notify = {"method": "POST", "path": "/api/v1/notify", "headers": headers, "json": {"to": {"topic": "bench"}, "body": "Hello"}, "status": 202}
    live: dict[str, Any] = {"method": "GET", "path": "/api/v1/health/live", "headers": {}, "json": None, "status": 200}
    starts = [
        Start(f"`{_BARE}`", _BARE, environment),
        Start("`import main`", _IMPORT_MAIN, environment),
        Start("`api`, first answer: `GET /health/live`", _FIRST_ANSWER, _calling(environment, "api", live)),
        Start("`api`, first answer: `POST /notify`, stored and enqueued", _FIRST_ANSWER, _calling(environment, "api", notify)),
        Start("`send`, first answer: a chunk of one, delivered and stored", _FIRST_ANSWER, environment),
    ]
    for number, chunk in enumerate(chunks):
        task = {"method": "POST", "path": "/", "headers": function.task_headers, "json": function.task(chunk), "status": 200}
        starts[-1].environment = _calling(environment, "send", task)
        for start in starts:
            _run(start, counted=number > 0)
    return starts


def development_packages() -> list[str]:
    """Import names that a deployed function does not find: what it imports only where it is installed would count against it here."""
    deployed = {canonical(line.split("==")[0]) for line in (ROOT / "functions/requirements.txt").read_text().splitlines() if "==" in line}
    installed = packages_distributions()
    return sorted(name for name, owners in installed.items() if name.isidentifier() and not deployed.intersection(map(canonical, owners)))


def canonical(name: str) -> str:
    """A distribution's name as PyPI compares it."""
    return re.sub(r"[-_.]+", "-", name.strip()).lower()


def _calling(environment: Mapping[str, str], target: str, call: Mapping[str, Any]) -> dict[str, str]:
    whole = {"target": target, "source": str(ROOT / "functions/main.py"), **call}
    return {**environment, "FUNCTION_TARGET": target, "BENCH_CALL": json.dumps(whole)}


def _run(start: Start, *, counted: bool) -> None:
    began = time.monotonic()
    command = [sys.executable, "-c", _HIDE + start.code + _REPORT]
    done = subprocess.run(command, env=start.environment, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{start.title} failed:\n{done.stderr[-2000:]}")
    cpu, ended = done.stdout.split()[-2:]
    if counted:
        start.cpu.append(float(cpu))
        start.wall.append(float(ended) - began)
