"""`make chaos`: run, print the figures, exit with 1 if a promise was broken."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from local.errors import StackError
from local.settings import ROOT

sys.path.append(str(ROOT / "functions"))

from tests.chaos import broadcast_plan
from tests.chaos.backend import BackendError
from tests.chaos.broadcast_plan import BroadcastPlan
from tests.chaos.broadcast_run import run_broadcast_chaos
from tests.chaos.broadcast_table import render_broadcast
from tests.chaos.plan import SMALL, Plan
from tests.chaos.run import run_chaos
from tests.chaos.table import render


def parse_plan(arguments: Sequence[str]) -> tuple[Plan | BroadcastPlan, Path | None]:
    """Read the command line; what is not given is the plan's."""
    parser = argparse.ArgumentParser(prog="make chaos", description="Break everything around the sender and judge what became of it.")
    parser.add_argument("--broadcast", action="store_true", help="torment one broadcast, `fanout` too, instead of many notifications")
    parser.add_argument("--small", action="store_true", help="start from the small plan that the tests run")
    parser.add_argument("--recipients", type=int)
    parser.add_argument("--kills", type=int)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--minutes", type=float, help="the longest that delivering may take")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="run in this folder and keep it, with the logs")
    given = vars(parser.parse_args(arguments))
    broadcast, small, keep = given.pop("broadcast"), given.pop("small"), given.pop("keep")
    said = {name: value for name, value in given.items() if value is not None}
    if broadcast:
        return replace(broadcast_plan.SMALL if small else BroadcastPlan(), **said), keep
    return replace(SMALL if small else Plan(), **said), keep


def main(arguments: Sequence[str]) -> int:
    """Run; returns the exit status."""
    plan, keep = parse_plan(arguments)
    with TemporaryDirectory(prefix="fanfare-chaos-") as folder:
        try:
            text, is_kept = _run(plan, keep or Path(folder))
        except (StackError, BackendError) as error:
            print(error, file=sys.stderr)  # noqa: T201 - a command talks
            return 1
    print(text)  # noqa: T201 - a command talks
    return 0 if is_kept else 1


def _run(plan: Plan | BroadcastPlan, folder: Path) -> tuple[str, bool]:
    """What is printed, and whether every promise was kept."""

    def say(text: str) -> None:
        print(text, file=sys.stderr, flush=True)  # noqa: T201 - a command talks

    if isinstance(plan, BroadcastPlan):
        broadcast = run_broadcast_chaos(plan, folder, say)
        return render_broadcast(broadcast), not broadcast.broken
    report = run_chaos(plan, folder, say)
    return render(report), not report.broken


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
