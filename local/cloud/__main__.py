"""Command line of the stand-in."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from local.cloud.serving import serve


def main() -> int:
    """Serve until a signal; 1 with a sentence when the port cannot be had."""
    parser = argparse.ArgumentParser(prog="python -m local.cloud", description="Local Cloud Tasks, Secret Manager, Cloud Scheduler and OAuth")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 lets the system choose")
    parser.add_argument("--ready-file", type=Path, help='written as {"port": N} once it listens')
    parser.add_argument("--secrets-file", type=Path, help="the secrets begin as it says and are written there at the end")
    arguments = parser.parse_args()
    try:
        asyncio.run(serve(arguments.host, arguments.port, arguments.ready_file, arguments.secrets_file))
    except (OSError, ValueError) as error:
        print(f"The local cloud services cannot start: {getattr(error, 'strerror', None) or error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
