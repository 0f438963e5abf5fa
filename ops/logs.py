"""`make logs`: follow what all functions of a deployment write, until Ctrl-C.

REQUEST=… and NOTIFICATION=… show what one request or notification came to, SEVERITY=… what is at least as bad, MINUTES=… from how long ago (10).
Reads again and again instead of `gcloud beta logging tail`, which needs a component that many installations lack.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from local.functions import FUNCTIONS
from ops.gcloud import ask_gcloud
from ops.log_lines import PAGE, SEVERITIES, LogFilter, Window, show_entry
from ops.target import Target, TargetError, find_target

PAUSE_SECONDS = 3.0
"""A project may read its log sixty times a minute."""
_MOST_MINUTES = 30 * 24 * 60


def main() -> int:
    """Follow until Ctrl-C."""
    try:
        target, wanted = find_target(os.environ), read_filter(os.environ)
        window = Window(datetime.now(UTC) - read_age(os.environ))
        print(f"Following {target.project}; Ctrl-C ends it.", file=sys.stderr)
        while True:
            show_news(target, wanted, window)
            time.sleep(PAUSE_SECONDS)
    except TargetError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0


def show_news(target: Target, wanted: LogFilter, window: Window) -> None:
    """Read once and print what is new."""
    entries = ask_gcloud(target, "logging", "read", wanted.query(window.since), "--order=asc", f"--limit={PAGE}") or []
    for entry in window.take(entries):
        print(show_entry(entry), flush=True)


def read_filter(environment: Mapping[str, str]) -> LogFilter:
    """Read REQUEST, NOTIFICATION and SEVERITY; raises TargetError for a severity that is none."""
    severity = environment.get("SEVERITY", "").upper()
    if severity and severity not in SEVERITIES:
        raise TargetError(f"SEVERITY must be one of {', '.join(SEVERITIES)}.")
    names = [function.name for function in FUNCTIONS]
    return LogFilter(names, environment.get("REQUEST", ""), environment.get("NOTIFICATION", ""), severity)


def read_age(environment: Mapping[str, str]) -> timedelta:
    """Read MINUTES; raises TargetError for a number that is none."""
    text = environment.get("MINUTES") or "10"
    if not (text.isascii() and text.isdigit() and int(text) <= _MOST_MINUTES):
        raise TargetError(f"MINUTES must be a number up to {_MOST_MINUTES}.")
    return timedelta(minutes=int(text))


if __name__ == "__main__":
    sys.exit(main())
