"""`make load`: drive the traffic, print what it took, exit with 1 if a promise was broken and with 130 if somebody asked to stop."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from tempfile import TemporaryDirectory

from local.environment import inherited_environment
from local.errors import StackError
from local.processes import ChildProcess
from local.readiness import wait_until
from local.settings import ROOT
from tests.bench import report
from tests.load.arrivals import look_until_all_arrived
from tests.load.caller import Caller
from tests.load.errors import LoadError
from tests.load.plan import LEAST_SECONDS, LEAST_USERS, Plan
from tests.load.record import Record, read_record
from tests.load.stopping import stop_signals_interrupt
from tests.load.table import render
from tests.load.venv import locust_python
from tests.load.verdict import judge
from tests.load.world import open_world

INTERRUPTED = 130
PATIENCE_SECONDS = 60.0
"""How long the end of what was not delivered within the run is waited for, to tell what is late from what is lost."""
_SPARE_SECONDS = 300.0
"""What locust may take beyond the run: for registering the crowd, and for requests that are under way at the end."""
_MARKER = "load"


def parse(arguments: Sequence[str]) -> tuple[Plan, Path | None, bool]:
    """Read the command line: the plan, the folder to keep, whether the report goes into docs/performance.md."""
    parser = argparse.ArgumentParser(prog="make load", description="Drive mixed traffic and judge what became of it.")
    usual = Plan()
    parser.add_argument("--seconds", type=int, default=usual.seconds, help="how long the traffic lasts")
    parser.add_argument("--users", type=int, default=usual.users, help="two that send through bulk, the others for everything else")
    parser.add_argument("--devices", type=int, default=usual.devices, help="how many devices bulk sends reach in turn")
    parser.add_argument("--least", type=int, default=usual.least, help="notifications a second that are promised")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="run in this folder and keep it, with the logs")
    parser.add_argument("--write", action="store_true", help="put the report into docs/performance.md")
    given = parser.parse_args(arguments)
    if given.users < LEAST_USERS or given.seconds < LEAST_SECONDS:
        parser.error(f"at least {LEAST_USERS} users and {LEAST_SECONDS} seconds are needed")
    return Plan(*(getattr(given, each.name) for each in fields(Plan))), given.keep, given.write


def main(arguments: Sequence[str]) -> int:
    """Run; returns the exit status."""
    plan, keep, is_written = parse(arguments)
    with stop_signals_interrupt(), TemporaryDirectory(prefix="fanfare-load-") as folder:
        try:
            text, is_kept = _run(plan, keep or Path(folder))
        except KeyboardInterrupt:
            _say("Stopped before the end: nothing is judged.")
            return INTERRUPTED
        except (StackError, LoadError) as error:
            _say(str(error))
            return 1
    print(text)  # noqa: T201 - a command talks
    if is_written:
        report.write_between_markers(ROOT / "docs/performance.md", text, _MARKER)
    return 0 if is_kept else 1


def _run(plan: Plan, folder: Path) -> tuple[str, bool]:
    """What is printed, and whether every promise was kept."""
    python = locust_python()
    with open_world(folder, _say) as caller:
        busy = os.getloadavg()[0]
        record = _drive(plan, caller, python, folder)
        at_end, later = look_until_all_arrived(caller, record, PATIENCE_SECONDS)
    promises = judge(plan, record, at_end)
    text = f"{_about(plan, caller, busy)}\n\n{render(record, at_end, later, promises)}"
    return text, all(promise.is_kept for promise in promises)


def _about(plan: Plan, caller: Caller, busy: float) -> str:
    """What was measured, where, and by whom."""
    if not caller.simulator_url:
        return (
            f"`make load` made this section. {plan.users} users for {plan.seconds} s against {caller.url}, whose own counts say what was delivered."
        )
    return (
        f"`make load` made this section. {report.machine()}\n{plan.users} users for {plan.seconds} s; everything, locust and the FCM simulator too, "
        f"on the same machine, whose load average was {busy:.1f} before."
    )


def _drive(plan: Plan, caller: Caller, python: Path, folder: Path) -> Record:
    """Let locust run to its end; LoadError where it doesn't, or where it has driven nothing."""
    folder.mkdir(parents=True, exist_ok=True)
    file, log = folder / "record.json", folder / "locust.log"
    command = [str(python), "-m", "locust", "-f", "tests/load/locustfile.py", *plan.locust_options(str(file))]
    locust = ChildProcess(command, environment={**inherited_environment(os.environ), **caller.environment}, folder=ROOT, log=log)
    _say(f"{plan.users} users for {plan.seconds} s, after registering {plan.devices:,} devices; what locust says is in {log}.")
    locust.start()
    try:
        has_ended = wait_until(lambda: locust.exit_status is not None, timeout_seconds=plan.seconds + _SPARE_SECONDS)
    finally:
        locust.stop()
    if not has_ended:
        raise LoadError("locust did not end.")
    try:
        return read_record(file)
    except LoadError as error:
        raise LoadError(f"{error} Its log ends with: {locust.last_line()}") from None


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - a command talks


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
