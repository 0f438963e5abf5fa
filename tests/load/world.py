"""What the traffic is sent to: what the environment names, the stack that runs in this checkout, or one that is started for it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from local.demo import create_demo
from local.settings import ROOT, StackSettings
from local.stack import Stack
from tests.load.caller import Caller, find_caller, read_caller
from tests.load.errors import LoadError

sys.path.append(str(ROOT / "functions"))

from fanfare.config import Settings
from fanfare.wiring import build_deps

_ANSWER_SECONDS = 5.0


@contextmanager
def open_world(folder: Path, say: Callable[[str], None]) -> Iterator[Caller]:
    """Somebody to call; a stack that was started in `folder` is stopped at the end, one that ran already is left as it is."""
    named, running = read_caller(os.environ), find_caller(os.environ)
    if named and not _lives(named):
        raise LoadError(f"{named.url} does not answer.")
    if running and _lives(running):
        say(f"Using what runs at {running.url}.")
        yield running
        return
    say("Starting a local stack.")
    with Stack(StackSettings(), folder=folder) as stack:
        yield _demo(stack)


def _lives(caller: Caller) -> bool:
    try:
        return requests.get(f"{caller.url}/api/v1/health/live", timeout=_ANSWER_SECONDS).ok
    except requests.RequestException:
        return False


def _demo(stack: Stack) -> Caller:
    """A client whose limits are raised, of a tenant of its own."""
    # The Firestore client finds the emulator by the environment alone.
    os.environ.update(stack.client_environment)
    settings = Settings.from_env(os.environ)
    caller = read_caller(create_demo(build_deps(settings), settings, os.environ))
    if caller is None:
        raise LoadError("The stack has no client.")
    return caller
