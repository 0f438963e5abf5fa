"""Keep a stack in the foreground of a terminal until it is asked to stop, or until one of its parts ends by itself."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from local.environment import inherited_environment
from local.errors import StackError
from local.processes import ChildProcess
from local.settings import ROOT
from local.stack import Stack

_CHECK_SECONDS = 0.5
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def _say(text: str) -> None:
    print(text, flush=True)


def _stop(_number: int, _frame: FrameType | None) -> None:
    # Stopping is under way from here on and bounded: more signals would only leave it half done.
    for number in _STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


@contextmanager
def _stop_signals_interrupt() -> Iterator[None]:
    """Make each signal that asks for an end interrupt the main thread wherever it is, once."""
    before = {number: signal.signal(number, _stop) for number in _STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _run_first_push(stack: Stack, command: Sequence[str], stack_file: str) -> None:
    """Run the demo on the terminal. Raises StackError when it fails or when a part of the stack ends meanwhile."""
    environment = {**inherited_environment(os.environ), **stack.client_environment, "STACK_ENV_FILE": stack_file}
    if stack.settings.credentials:
        environment["GOOGLE_APPLICATION_CREDENTIALS"] = stack.settings.credentials
    if stack.kept:
        environment["KEPT_STACK_FILE"] = str(stack.kept.stack_file)
    demo = ChildProcess(command, environment=environment, folder=ROOT)
    demo.start()
    try:
        _watch(stack, until=lambda: demo.exit_status is not None)
    finally:
        demo.stop()
    if demo.exit_status:
        raise StackError(f"The first push failed with status {demo.exit_status}; the logs are in {stack.folder / 'logs'}.")


def _watch(stack: Stack, *, until: Callable[[], bool]) -> None:
    while not until():
        stack.check()
        time.sleep(_CHECK_SECONDS)


def _run(stack: Stack, first_push: Sequence[str]) -> None:
    started = time.monotonic()
    _say(f"Starting the local stack; its logs are in {stack.folder / 'logs'}.")
    # What an earlier run left there would lead to ports where nothing listens any more.
    stack_file = stack.folder / "stack.env"
    stack_file.unlink(missing_ok=True)
    with stack:
        _say(f"Up in {time.monotonic() - started:.1f} s at {stack.urls['gateway']}")
        try:
            _run_first_push(stack, first_push, str(stack_file))
            _say("Ctrl-C stops it.")
            _watch(stack, until=lambda: False)
        except KeyboardInterrupt:
            _say("Stopping.")
            raise


def run_in_foreground(stack: Stack, *, first_push: Sequence[str]) -> int:
    """Start the stack, run `first_push` against it and stay up; return the exit status, 0 where a person or the system asked to stop."""
    with _stop_signals_interrupt():
        try:
            _run(stack, first_push)
        except KeyboardInterrupt:
            if stack.kept and stack.kept.importable():
                _say(f"What was stored is kept in {stack.kept.folder}.")
            return 0
        except StackError as error:
            print(error, file=sys.stderr)
            return 1
    return 0
