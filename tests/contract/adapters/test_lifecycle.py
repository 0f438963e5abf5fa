"""SIGTERM reaches a running request as it does when deployed: through functions-framework's own server."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

from fanfare.adapters.lifecycle import WorkerLifecycle
from local.addresses import LOOPBACK, free_ports
from local.functions import Function, function_command, function_environment
from local.readiness import accepts_connections, wait_until
from local.settings import ROOT

SOURCE = Path(__file__).with_name("stopping_function.py")
START_SECONDS = 20.0


@pytest.fixture(params=[2, 8])
def instance(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """One instance of the function, with so many threads, and its port."""
    function, [port] = Function("work", threads=request.param), free_ports(1)
    command = [str(SOURCE) if word.endswith("main.py") else word for word in function_command(function, tmp_path, port)]
    environment = {**os.environ, **function_environment(function), "PYTHONPATH": f"{ROOT / 'functions'}{os.pathsep}{ROOT}"}
    with subprocess.Popen(command, env=environment) as process:
        assert wait_until(lambda: accepts_connections(port), timeout_seconds=START_SECONDS)
        yield process, port
        process.terminate()


def test_a_request_in_flight_learns_that_its_instance_was_asked_to_end(instance: tuple[subprocess.Popen[bytes], int]) -> None:
    process, port = instance
    connection = HTTPConnection(LOOPBACK, port, timeout=20)
    connection.request("GET", "/")
    answer = connection.getresponse()
    assert answer.readline() == b"False\n"
    process.send_signal(signal.SIGTERM)
    assert answer.readline() == b"True\n"
    connection.close()
    assert process.wait(20) == 0


def test_outside_of_a_worker_nothing_ever_stops() -> None:
    assert not WorkerLifecycle().is_stopping()
