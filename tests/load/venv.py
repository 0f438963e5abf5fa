"""The environment of locust, which brings its own event loop and is no part of the project's."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

from local.settings import ROOT
from tests.load.errors import LoadError

_LOCK = ROOT / "tests/load/requirements.txt"
_FOLDER = ROOT / ".local/load-venv"


def locust_python() -> Path:
    """The interpreter of `.local/load-venv`, made anew when its lock file has changed; LoadError where it can't be made."""
    python, stamp = _FOLDER / "bin/python", _FOLDER / "installed"
    wanted = hashlib.sha256(_LOCK.read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return python
    try:
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(_FOLDER)], check=True)
        install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "-r", str(_LOCK)]
        subprocess.run([str(python), *install], check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise LoadError(f"The environment of locust can't be made: {error}") from None
    stamp.write_text(wanted, encoding="utf-8")
    return python
