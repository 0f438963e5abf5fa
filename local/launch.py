"""Replace this process by a command that dies with its parent.

Run as `python -I -S launch.py PARENT_PID COMMAND…`. A stack that is killed with SIGKILL can stop nobody, so on Linux the
kernel is asked to do it. The request belongs to the *thread* that started the child: keep that thread alive.
Elsewhere the command simply runs.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int) -> None:
    """Ask the kernel for a SIGKILL at the parent's death; end at once where the parent is already gone."""
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(1)


if __name__ == "__main__":
    die_with_parent(int(sys.argv[1]))
    os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606 - a shell is what this must not start
