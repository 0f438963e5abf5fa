"""The environment of the rivals that the project itself does not depend on."""

from __future__ import annotations

import hashlib
import subprocess
import sys

from local.settings import ROOT

_LOCK = ROOT / "tests/bench/requirements.txt"
_FOLDER = ROOT / ".local/bench-venv"


def rival_python() -> str | None:
    """The interpreter of `.local/bench-venv`, made anew when its lock file has changed; None, with a sentence, where it can't be made."""
    python, stamp = _FOLDER / "bin/python", _FOLDER / "installed"
    wanted = hashlib.sha256(_LOCK.read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return str(python)
    try:
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(_FOLDER)], check=True)
        install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "-r", str(_LOCK)]
        subprocess.run([str(python), *install], check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        sys.stderr.write(f"async-firebase is left out, because its environment can't be made: {error}\n")
        return None
    stamp.write_text(wanted, encoding="utf-8")
    return str(python)
