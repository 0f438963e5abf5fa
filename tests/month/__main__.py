"""Simulate a month and print its figures: `python -m tests.month --devices 10000`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2] / "functions"))

from tests.month.checks import check_month
from tests.month.run import run_month
from tests.month.world import a_world

FEWEST = 24


def main() -> None:
    """Simulate, check, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    if given.devices < FEWEST:
        parser.error(f"--devices must be at least {FEWEST}: two of each kind in each zone")
    world = a_world(given.devices, given.seed, crashed=0.01, doubled=0.01)
    seconds = run_month(world)
    figures = {"devices": given.devices, "time zones": 12, **world.cloud.figures, **check_month(world), "seconds": round(seconds)}
    sys.stdout.writelines(f"{name:32} {figure}\n" for name, figure in figures.items())


if __name__ == "__main__":
    main()
