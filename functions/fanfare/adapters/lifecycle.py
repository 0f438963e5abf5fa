"""Whether this instance was asked to end: gunicorn's worker knows, and its signal handler leads to it."""

from __future__ import annotations

import signal


class WorkerLifecycle:
    """Looks at the gunicorn worker that handles this process's SIGTERM; under any other server an instance never counts as stopping.

    A handler of our own could only be installed in the main thread, where no request of ours runs.
    """

    def is_stopping(self) -> bool:
        """Tell whether SIGTERM has arrived: the worker is no longer `alive`."""
        worker = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
        return getattr(worker, "alive", True) is False
