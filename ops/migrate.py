"""`python -m ops.migrate [--dry-run]`: bring what is stored to the form that this version writes.

With ENV (and PROJECT) it is about that deployment, else about what the functions' own settings in the environment name. It may be broken off and run
again.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from google.auth.exceptions import GoogleAuthError

from fanfare.adapters.system import SystemClock
from fanfare.config import InvalidSettings, Settings
from fanfare.domain.errors import Unavailable
from fanfare.domain.migration import MigrationState
from fanfare.services.migrate import MigrationProgress, migrate
from fanfare.wiring import build_migrations
from ops.deployed import deployed_environment
from ops.target import TargetError, find_target

_WIDTH = 30


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the pending migrations; 0 once all of them have ended, 1 with one sentence where that can't be."""
    parser = argparse.ArgumentParser(prog="python -m ops.migrate", description="Bring what is stored to the form that this version writes.")
    parser.add_argument("--dry-run", action="store_true", help="change nothing, say how much would change")
    asked = parser.parse_args(arguments)
    try:
        deployed = deployed_environment(find_target(os.environ)) if os.environ.get("ENV") else os.environ
        store = build_migrations(Settings.from_env(deployed))
        names = [_show(progress, dry_run=asked.dry_run) for progress in migrate(store, SystemClock(), dry_run=asked.dry_run)]
    except GoogleAuthError as error:
        print(f"Google does not know who asks ({type(error).__name__}): run `gcloud auth application-default login`.", file=sys.stderr)
        return 1
    except (InvalidSettings, TargetError) as error:
        print(f"It is not known what to migrate: {error}.", file=sys.stderr)
        return 1
    except Unavailable as error:
        print(f"\nThe migration stopped: {error}. Run it again: it goes on where it was.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. Run it again: it goes on where it was.", file=sys.stderr)
        return 130
    if not names:
        print("Nothing to migrate: what is stored has this version's form.")
    return 0


def _show(progress: MigrationProgress, *, dry_run: bool) -> str:
    record, total = progress.record, max(progress.total, progress.record.seen)
    done = _WIDTH if not total else _WIDTH * record.seen // total
    changed = "would change" if dry_run else "changed"
    bar = "#" * done + "." * (_WIDTH - done)
    ended = record.state is MigrationState.DONE
    line = f"{record.name} [{bar}] {record.seen:,} of about {total:,} seen, {record.changed:,} {changed}"
    print(f"\r{line}", end="\n" if ended else "", flush=True)
    return record.name


if __name__ == "__main__":
    sys.exit(main())
