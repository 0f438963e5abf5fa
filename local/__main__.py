"""`python -m local`: the foreground process of `make run`."""

from __future__ import annotations

import fcntl
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.addresses import check_port_is_free
from local.errors import StackError
from local.foreground import run_in_foreground
from local.settings import ROOT, StackSettings
from local.stack import Stack

_FOLDER = ROOT / ".local"
_FIRST_PUSH = (sys.executable, "-m", "local.demo")


@contextmanager
def _only_stack_in(folder: Path) -> Iterator[None]:
    """Hold the folder's lock; the kernel releases it when the process ends, however it ends."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "stack.lock").open("w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StackError("Another stack of this checkout is running: stop it first.") from None
        yield


def main() -> int:
    """Run the stack that the environment and `.env` describe."""
    try:
        settings = StackSettings.from_environment(os.environ)
        check_port_is_free(settings.host, settings.port)
        with _only_stack_in(_FOLDER):
            return run_in_foreground(Stack(settings, folder=_FOLDER), first_push=_FIRST_PUSH)
    except StackError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
