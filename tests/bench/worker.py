"""The process of one contestant: `python -m tests.bench.worker CONTESTANT SETTINGS.json`, then one line with a count for each round.

It answers each line with how many of the messages the server accepted. Nothing is measured here: the benchmark reads this process's clock.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path


def main(arguments: list[str]) -> int:
    """Serve rounds until the input ends; returns the exit status."""
    name, settings = arguments
    run = importlib.import_module(f"tests.bench.contestants.{name}").prepare(json.loads(Path(settings).read_text(encoding="utf-8")))
    for line in sys.stdin:
        sys.stdout.write(f"{run(int(line))}\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
