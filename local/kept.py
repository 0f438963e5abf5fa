"""What `KEEP=1` keeps between two runs: the emulators' data, the secrets that it is encrypted with, and the demo's credentials.

The parts belong together: data without its secrets can't be read, credentials without their client open nothing.
"""

from __future__ import annotations

import json
import shutil
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from local.addresses import LOOPBACK
from local.errors import StackError
from local.settings import StackSettings

EXPORT_SECONDS = 120.0
_METADATA = "firebase-export-metadata.json"
"""firebase-tools writes it last: a folder that holds it was exported whole."""


class KeptData:
    """The folder of what is kept."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def emulators(self) -> Path:
        """Where the emulators' data is."""
        return self.folder / "emulators"

    @property
    def secrets(self) -> Path:
        """Where the secrets of the stand-in are."""
        return self.folder / "secrets.json"

    @property
    def stack_file(self) -> Path:
        """Where the demo's credentials are."""
        return self.folder / "stack.env"

    def importable(self) -> Path | None:
        """Return the emulators' data, if an earlier run has left any. An exchange that was broken off is undone first."""
        before = self.folder / "emulators.before"
        if not self.emulators.exists() and before.exists():
            before.rename(self.emulators)
        return self.emulators if (self.emulators / _METADATA).is_file() else None

    def export(self, hub_port: int) -> None:
        """Let the emulators write their data here; what was kept before is replaced once all of it is written. Raises StackError."""
        self.folder.mkdir(parents=True, exist_ok=True)
        fresh, before = self.folder / "emulators.new", self.folder / "emulators.before"
        shutil.rmtree(fresh, ignore_errors=True)
        _ask_for_export(hub_port, fresh)
        if not (fresh / _METADATA).is_file():
            raise StackError(
                f"The emulators said that they had exported their data, and {fresh} does not hold it: what was kept before is unchanged."
            )
        shutil.rmtree(before, ignore_errors=True)
        if self.emulators.exists():
            self.emulators.rename(before)
        fresh.rename(self.emulators)
        shutil.rmtree(before, ignore_errors=True)


def kept_data(settings: StackSettings, folder: Path) -> KeptData | None:
    """Return what the stack in this folder keeps; None where nothing is kept."""
    return KeptData(folder / "kept") if settings.keep else None


def _ask_for_export(hub_port: int, to: Path) -> None:
    connection = HTTPConnection(LOOPBACK, hub_port, timeout=EXPORT_SECONDS)
    body = json.dumps({"path": str(to), "initiatedBy": "fanfare"})
    try:
        connection.request("POST", "/_admin/export", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        said = answer.read().decode("utf-8", "replace")
    except (OSError, HTTPException) as error:
        raise StackError(f"The emulators did not export their data ({error}): what was kept before is unchanged.") from error
    finally:
        connection.close()
    if answer.status != HTTPStatus.OK:
        raise StackError(f"The emulators did not export their data ({said[:200]}): what was kept before is unchanged.")
