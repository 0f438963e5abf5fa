"""`python -m ops.in_deployment -- COMMAND…`: run a command of ours with the settings of a deployment's functions, PROJECT's or ENV's.

It runs as whoever has logged in with `gcloud auth application-default login`; its exit status becomes ours.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from ops.deployed import deployed_environment
from ops.target import TargetError, find_target

_ROOT = Path(__file__).resolve().parent.parent
_PATHS = os.pathsep.join([str(_ROOT / "functions"), str(_ROOT)])


def main(arguments: list[str]) -> int:
    """Run the command after `--`."""
    command = arguments[1:] if arguments[:1] == ["--"] else arguments
    if not command:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        deployed = deployed_environment(find_target(os.environ))
    except TargetError as error:
        print(error, file=sys.stderr)
        return 1
    return subprocess.run(command, env={**os.environ, **deployed, "PYTHONPATH": _PATHS}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
