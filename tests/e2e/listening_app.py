"""An app with Firebase's own SDK that listens in Firestore: a process of its own (`listen.mjs`)."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from queue import Empty, Queue
from typing import IO, Any

from local.settings import ROOT
from local.stack import Stack

HEARD_SECONDS = 30.0


class ListeningApp:
    """What the app hears, in its order."""

    def __init__(self, output: IO[str]) -> None:
        self._lines: Queue[Any] = Queue()
        self._thread = threading.Thread(target=self._read, args=(output,))
        self._thread.start()

    def next(self) -> Any:
        """The next thing that it hears."""
        try:
            return self._lines.get(timeout=HEARD_SECONDS)
        except Empty:
            raise AssertionError(f"The app heard nothing for {HEARD_SECONDS} s.") from None

    def wait_for(self, path: str, status: str) -> list[Any]:
        """What it hears of a document until that has this status, the last of it included."""
        heard: list[Any] = []
        while not heard or heard[-1] is None or heard[-1]["status"] != status:
            line = self.next()
            assert line["path"] == path, line
            heard.append(line["found"])
        return heard

    def close(self) -> None:
        self._thread.join()

    def _read(self, output: IO[str]) -> None:
        for line in output:
            self._lines.put(json.loads(line))


@contextmanager
def listening(stack: Stack, token: Mapping[str, Any], *paths: str) -> Iterator[ListeningApp]:
    """Let an app sign in with what `/stream-token` answered, and listen, while the block lasts."""
    asked = {**token, "auth": stack.auth_host, "firestore": stack.firestore_host, "paths": paths}
    command = ["node", str(ROOT / "tests" / "e2e" / "listen.mjs")]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        app = ListeningApp(process.stdout)
        try:
            process.stdin.write(json.dumps(asked) + "\n")
            process.stdin.flush()
            yield app
        finally:
            # The app ends with its input.
            process.stdin.close()
            app.close()
