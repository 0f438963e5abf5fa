"""Run a command beside a Firestore emulator of its own: `python -m local.emulators -- COMMAND…`.

The command finds the emulator through FIRESTORE_EMULATOR_HOST, and its exit status becomes ours.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from local.errors import StackError
from local.settings import StackSettings
from local.stack import Stack


def run_beside_emulator(command: list[str]) -> int:
    """Run the command and return its exit status. Raises StackError when the emulator cannot start."""
    with TemporaryDirectory(prefix="fanfare-") as folder, Stack(StackSettings(), folder=Path(folder), parts={"firestore"}) as stack:
        environment = {**os.environ, "FIRESTORE_EMULATOR_HOST": stack.firestore_host}
        return subprocess.run(command, env=environment, check=False).returncode


def main(arguments: list[str]) -> int:
    """Run the command after `--`."""
    command = arguments[1:] if arguments[:1] == ["--"] else arguments
    if not command:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        return run_beside_emulator(command)
    except StackError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
