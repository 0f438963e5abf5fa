from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local.descendants import RunningProcess, descendants_of, is_running
from local.readiness import wait_until
from local.settings import ROOT

FUNCTIONS_FOLDER = Path(__file__).with_name("stack_functions")

# What `python -m local` does, with the tests' functions and with a small program as the first push.
PROGRAM = """
import sys
from pathlib import Path
from local.foreground import run_in_foreground
from local.settings import StackSettings
from local.stack import Stack

functions, folder, first_push, *parts = sys.argv[1:]
stack = Stack(StackSettings(functions_folder=Path(functions)), folder=Path(folder), parts=parts)
sys.exit(run_in_foreground(stack, first_push=[sys.executable, "-c", first_push]))
"""
FIRST_PUSH = "import os; print('pushed to', os.environ['FANFARE_URL'])"
PARTS = ("firestore", "api", "send", "gateway")


@contextmanager
def foreground(folder: Path, first_push: str = FIRST_PUSH, parts: tuple[str, ...] = PARTS) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    output = folder / "output"
    with output.open("w", encoding="utf-8") as file:
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(FUNCTIONS_FOLDER), str(folder / "run"), first_push, *parts],
            stdout=file,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
    with process:
        try:
            yield process, output
        finally:
            process.kill()


def wait_for(output: Path, text: str) -> str:
    assert wait_until(lambda: text in output.read_text(encoding="utf-8"), timeout_seconds=60), output.read_text(encoding="utf-8")
    return output.read_text(encoding="utf-8")


def all_gone(processes: list[RunningProcess]) -> bool:
    return wait_until(lambda: not any(is_running(process) for process in processes), timeout_seconds=10)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_stop_signal_ends_every_child_and_counts_as_success(tmp_path: Path, number: signal.Signals) -> None:
    with foreground(tmp_path) as (process, output):
        printed = wait_for(output, "Ctrl-C stops it.")
        children = descendants_of(process.pid)
        process.send_signal(number)
        assert process.wait(30) == 0
    assert "pushed to http://127.0.0.1:" in printed
    assert len(children) >= 7
    assert all_gone(children)


def test_no_child_survives_a_killed_parent(tmp_path: Path) -> None:
    with foreground(tmp_path) as (process, output):
        wait_for(output, "Ctrl-C stops it.")
        children = descendants_of(process.pid)
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        assert len(children) >= 7
        assert all_gone(children)


def test_a_stop_signal_during_the_start_ends_every_child(tmp_path: Path) -> None:
    with foreground(tmp_path) as (process, output):
        wait_for(output, "Starting")
        assert wait_until(lambda: bool(descendants_of(process.pid)), timeout_seconds=30)
        children = descendants_of(process.pid)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert all_gone(children)
    assert not list(tmp_path.glob("run/stack.env"))


def test_a_part_that_dies_later_stops_the_stack_with_status_1_and_its_name(tmp_path: Path) -> None:
    with foreground(tmp_path, parts=("send", "gateway")) as (process, output):
        wait_for(output, "Ctrl-C stops it.")
        children = descendants_of(process.pid)
        function = next(child.pid for child in children if b"--target\0send" in Path(f"/proc/{child.pid}/cmdline").read_bytes())
        os.kill(function, signal.SIGKILL)
        assert process.wait(30) == 1
    assert "send ended with status -9" in output.read_text(encoding="utf-8")
    assert all_gone(children)


def test_a_failed_first_push_stops_the_stack_with_status_1(tmp_path: Path) -> None:
    with foreground(tmp_path, first_push="raise SystemExit(3)", parts=("gateway",)) as (process, output):
        assert process.wait(30) == 1
    assert "The first push failed with status 3" in output.read_text(encoding="utf-8")


COVERED_PROGRAM = """
import sys
from pathlib import Path
from urllib.request import urlopen
from local.settings import StackSettings
from local.stack import Stack

with Stack(StackSettings(functions_folder=Path(sys.argv[1])), folder=Path(sys.argv[2]), parts={"api"}) as stack:
    urlopen(stack.urls["api"] + "/go-on", timeout=10).close()
"""


def test_the_lines_of_a_function_that_the_stack_runs_are_counted(tmp_path: Path) -> None:
    settings = tmp_path / "coverage.ini"
    settings.write_text(
        f"[run]\nbranch = true\nparallel = true\nsigterm = true\npatch = subprocess\ndata_file = {tmp_path}/data\nsource = {FUNCTIONS_FOLDER}\n",
        encoding="utf-8",
    )
    program = tmp_path / "program.py"
    program.write_text(COVERED_PROGRAM, encoding="utf-8")

    def coverage(*arguments: str) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
        subprocess.run([sys.executable, "-m", "coverage", *arguments], check=True, env={**environment, "PYTHONPATH": str(ROOT)}, cwd=tmp_path)

    coverage("run", f"--rcfile={settings}", str(program), str(FUNCTIONS_FOLDER), str(tmp_path / "run"))
    coverage("combine", "-q", f"--rcfile={settings}")
    coverage("json", "-q", f"--rcfile={settings}", "-o", str(tmp_path / "report.json"))
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    [file] = report["files"].values()
    lines = (FUNCTIONS_FOLDER / "main.py").read_text(encoding="utf-8").splitlines()
    executed = {lines[number - 1].strip() for number in file["executed_lines"]}
    assert "_pause.set()" in executed
    assert 'yield "data: first\\n\\n"' not in executed
