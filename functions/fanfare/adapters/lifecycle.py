"""Whether this instance was asked to end, and how many threads it has: gunicorn's worker knows, and its signal handler leads to it."""

from __future__ import annotations

import signal


class WorkerLifecycle:
    """Looks at the gunicorn worker that handles this process's SIGTERM; under any other server an instance never counts as stopping.

    A handler of our own could only be installed in the main thread, where no request of ours runs.
    """

    def is_stopping(self) -> bool:
        """Tell whether SIGTERM has arrived: the worker is no longer `alive`."""
        return getattr(_worker(), "alive", True) is False

    def threads(self) -> int:
        """How many requests the worker handles at a time; one where there is no worker."""
        return int(getattr(getattr(_worker(), "cfg", None), "threads", 1))


def _worker() -> object:
    return getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
